//! What people get to read in a storm, of what flaps, in a drill, from notifiers of which one was paused (bars R12 to
//! R15), and of what is held back: on simulated time, with the default routes.

mod drill;
mod flapping;
mod held;
mod lost;
mod marked;
mod paused;
mod recorded;
mod stage;
mod storm;
