//! What people get to read in a storm, of what flaps, in a drill, from notifiers of which one was paused (bars P9, R12 to
//! R15), and of what is held back: on simulated time; and who knows of what, whatever
//! the routes are, whatever happens and whoever dies.

mod anyone;
mod at_once;
mod drill;
mod flapping;
mod held;
mod lost;
mod marked;
mod paused;
mod recorded;
mod stage;
mod storm;
mod tagged;
mod whole;
