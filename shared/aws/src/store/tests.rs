//! Claims of the store.
