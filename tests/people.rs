//! What people get to read in a storm, of what flaps, in a drill, and from notifiers of which one was paused: bars R12 to
//! R15, on simulated time, with the default routes.

mod drill;
mod flapping;
mod paused;
mod stage;
mod storm;
