//! Who makes happen what a thread does with a store.

use std::cell::RefCell;

thread_local! {
    static ACTOR: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Puts back who it was before, even if the work ends by a panic.
struct Before(Option<String>);

impl Drop for Before {
    fn drop(&mut self) {
        ACTOR.set(self.0.take());
    }
}

/// Does `work` on behalf of somebody: all events that it notes on this thread, and
/// that name nobody themselves, have this `actor`.
///
/// Stores are asked by machines that know nothing of callers; that is why it is not
/// a parameter of each function.
pub fn acting<T>(actor: &str, work: impl FnOnce() -> T) -> T {
    let _before = Before(ACTOR.replace(Some(actor.to_string())));
    work()
}

/// On whose behalf this thread works, if that is known.
pub(crate) fn actor() -> Option<String> {
    ACTOR.with_borrow(Clone::clone)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_ends_with_the_work() {
        let inner = acting("user:a", || {
            let inner = acting("user:b", actor);
            (inner, actor())
        });
        assert_eq!(inner, (Some("user:b".into()), Some("user:a".into())));
        assert_eq!(actor(), None);
        let other = acting("user:a", || std::thread::spawn(actor).join().unwrap());
        assert_eq!(other, None);
    }
}
