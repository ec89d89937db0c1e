//! What this process last stored or read: bounded, and only a guess that compare and set checks.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use drs_fleet_domain::keys::Key;
use drs_fleet_domain::row::{Outbox, Row, Stored};
use lru::LruCache;

/// Items are at most about 2.5 KB, so this bounds memory at some 20 MB per kind of item.
const CAPACITY: NonZeroUsize = NonZeroUsize::MIN.saturating_add(8_191);

type Items<R> = LruCache<Key, Arc<Stored<R>>>;

#[derive(Clone, Debug)]
pub(super) struct Cache<R>(Arc<Mutex<Items<R>>>);

impl<R> Default for Cache<R> {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(LruCache::sparse(CAPACITY))))
    }
}

impl<R: Row> Cache<R> {
    pub(super) fn get(&self, key: &Key) -> Option<Arc<Stored<R>>> {
        self.items().get(key).cloned()
    }

    /// For items of an eventually consistent read, which may be older than what this process wrote. Answers the newer.
    pub(super) fn put_if_newer(&self, item: Arc<Stored<R>>) -> Arc<Stored<R>> {
        let key = item.row.key();
        let mut items = self.items();
        if let Some(newer) = items.peek(&key).filter(|cached| cached.rev >= item.rev) {
            return newer.clone();
        }
        items.put(key, item.clone());
        item
    }

    /// For what the table has just said of an item, or took, of which this process knew revision `before` when it asked. Where
    /// it knows another by now it has written meanwhile, and the answer may be older than that; where it does not, the table
    /// is right, also about an item that was deleted and made anew.
    pub(super) fn put_found(&self, item: Arc<Stored<R>>, before: Option<u64>) {
        let key = item.row.key();
        let mut items = self.items();
        let known = items.peek(&key).map(|cached| cached.rev);
        if known == before || known < Some(item.rev) {
            items.put(key, item);
        }
    }

    /// The revision of the item that is cached.
    pub(super) fn rev(&self, key: &Key) -> Option<u64> {
        self.items().peek(key).map(|cached| cached.rev)
    }

    pub(super) fn forget(&self, key: &Key) {
        self.items().pop(key);
    }

    /// Whatever revision is cached by now, these entries are published.
    pub(super) fn remove_from_outbox(&self, key: &Key, event_ids: &[String]) {
        if let Some(item) = self.items().peek_mut(key) {
            let outbox = &mut Arc::make_mut(item).outbox;
            outbox.retain(|id, _| !event_ids.contains(id));
            // A map that was emptied keeps its room, in each of thousands of rows.
            if outbox.is_empty() {
                *outbox = Outbox::default();
            }
        }
    }

    fn items(&self) -> MutexGuard<'_, Items<R>> {
        // Nothing here leaves a map half changed, so a panic elsewhere does not spoil it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
