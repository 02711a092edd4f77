//! Who waits for news does not wait for the next look at the database: what was
//! committed rings here, in this process at once and in others a moment later, where
//! the engine can tell them (LISTEN and NOTIFY of PostgreSQL).
//!
//! A ring can get lost: with a process that is killed between its commit and the
//! ring, or with a connection. So nobody relies on it; whoever waits looks by himself
//! as well, often while nothing of others is heard, and seldom while it is.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, watch};

/// What somebody waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// An eUICC was added, forgotten, or given work.
    Work,
    /// There is an event that has no number yet.
    Event,
    /// An event got its number.
    Numbered,
}

impl News {
    pub(crate) const ALL: [News; 3] = [News::Work, News::Event, News::Numbered];

    /// Its name between processes.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            News::Work => "work",
            News::Event => "event",
            News::Numbered => "numbered",
        }
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }

    fn of(bits: u8) -> impl Iterator<Item = News> {
        Self::ALL
            .into_iter()
            .filter(move |news| bits & news.bit() != 0)
    }
}

/// News of one transaction, which nobody is told before it is committed.
#[derive(Debug, Default)]
pub(crate) struct Noted(AtomicU8);

impl Noted {
    pub(crate) fn note(&self, news: News) {
        self.0.fetch_or(news.bit(), Ordering::Relaxed);
    }

    /// Forgets what was noted, and gives it.
    pub(crate) fn take(&self) -> Noted {
        Noted(AtomicU8::new(self.0.swap(0, Ordering::Relaxed)))
    }
}

/// Of a database: rings for what this process and others commit.
#[derive(Debug, Default)]
pub struct Bell {
    rung: [watch::Sender<()>; News::ALL.len()],
    /// Whether others are heard.
    hears: AtomicBool,
    /// What others are still to be told.
    untold: Noted,
    told: Notify,
}

impl Bell {
    /// Somebody who waits for news from now on.
    pub fn listener(self: &Arc<Self>, news: News) -> Listener {
        Listener {
            bell: self.clone(),
            rung: self.sender(news).subscribe(),
        }
    }

    fn sender(&self, news: News) -> &watch::Sender<()> {
        let [work, event, numbered] = &self.rung;
        match news {
            News::Work => work,
            News::Event => event,
            News::Numbered => numbered,
        }
    }

    /// Whether news of other processes come by themselves.
    pub fn hears(&self) -> bool {
        self.hears.load(Ordering::Relaxed)
    }

    pub(crate) fn set_hears(&self, hears: bool) {
        self.hears.store(hears, Ordering::Relaxed);
        // What was rung meanwhile, nobody knows.
        for news in News::ALL {
            self.ring(news);
        }
    }

    pub(crate) fn ring(&self, news: News) {
        self.sender(news).send_replace(());
    }

    /// Rings for what this process committed; others are told soon.
    pub(crate) fn committed(&self, noted: &Noted) {
        let noted = noted.take();
        for news in News::of(noted.0.load(Ordering::Relaxed)) {
            self.ring(news);
            self.untold.note(news);
            self.told.notify_one();
        }
    }

    /// Waits until others are to be told something, and gives what.
    pub(crate) async fn to_tell(&self) -> impl Iterator<Item = News> {
        loop {
            let untold = self.untold.take().0.into_inner();
            if untold != 0 {
                return News::of(untold);
            }
            self.told.notified().await;
        }
    }
}

/// Waits for news.
#[derive(Debug)]
pub struct Listener {
    bell: Arc<Bell>,
    rung: watch::Receiver<()>,
}

impl Listener {
    /// Waits for news since the last call: so long at most if nobody is heard, or so
    /// long if others are.
    pub async fn wait(&mut self, often: Duration, seldom: Duration) {
        let longest = if self.bell.hears() { seldom } else { often };
        // Late is as good as rung: whoever waits looks in any case.
        let _ = tokio::time::timeout(longest, self.rung.changed()).await;
    }
}
