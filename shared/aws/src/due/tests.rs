//! Claims of the due task.
