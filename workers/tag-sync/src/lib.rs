//! The tag-sync worker.
