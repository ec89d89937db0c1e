//! The capacity-tracker worker.
