//! What was created from templates.

/// What was created from templates.
#[derive(Debug, Default)]
pub struct Stacks {}
