//! Roles that are revoked in the middle of something.

use std::collections::HashMap;

use super::Iam;
use crate::call::Principal;
use crate::world::lock;

/// By role: the action, and how many more times it may be done.
pub(super) type Fuses = HashMap<String, (String, u32)>;

impl Iam {
    /// Lets a role do `action` so many more times; at the next it is gone, as with [`Iam::delete_role`]. So a role is
    /// revoked between two pages of a list, whatever the time that turning them takes.
    pub fn revoke_after(&self, role_arn: &str, action: &str, times: u32) {
        lock(&self.state).fuses.insert(role_arn.to_owned(), (action.to_owned(), times));
    }

    /// A role is about to do `action`.
    pub(super) fn burn(&self, principal: &Principal, action: &str) {
        let Principal::Role { role_arn, .. } = principal else { return };
        let mut state = lock(&self.state);
        match state.fuses.get_mut(role_arn) {
            Some((of, left)) if of == action && *left > 0 => *left -= 1,
            Some((of, _)) if of == action => {
                state.fuses.remove(role_arn);
                state.roles.remove(role_arn);
            }
            _ => {}
        }
    }
}
