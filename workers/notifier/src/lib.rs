//! The notifier worker.
