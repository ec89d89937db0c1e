//! Claims of the consume loop.
