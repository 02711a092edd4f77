//! News from and for other processes, over a connection of their own.
//!
//! NOTIFY is no part of the transactions whose news it tells: one that notifies holds
//! up all others that do until it is on disk. It is sent after them, for many at once.

use std::future::poll_fn;
use std::hash::{BuildHasher, RandomState};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};
use tokio_postgres::{AsyncMessage, Client};

use super::super::EngineError;
use super::settings::PostgresSettings;
use crate::bell::{Bell, News};

/// Until the connection is tried again; it doubles up to the longest one.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Between two tellings: what comes meanwhile is told together.
const SPACING: Duration = Duration::from_millis(10);

/// How long a ring may take to come back.
const ECHO: Duration = Duration::from_secs(5);

/// Tells and hears until the runtime ends. An engine that has no such thing is asked
/// again once in a while: it may be another one by then.
pub(super) async fn listen(settings: PostgresSettings, bell: Arc<Bell>) {
    let mut pause = FIRST_PAUSE;
    loop {
        connected(&settings, &bell).await;
        if bell.hears() {
            bell.set_hears(false);
            pause = FIRST_PAUSE;
        }
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Tells and hears until the connection is lost, or shows that it hears nothing.
async fn connected(settings: &PostgresSettings, bell: &Bell) {
    let (sender, mut heard) = mpsc::unbounded_channel();
    let Ok(client) = settings.clone().connect_to_listen(sender).await else {
        return;
    };
    let Ok(channel) = Channel::open(client).await else {
        return;
    };
    // Behind a pooler of transactions LISTEN is taken, and nothing ever comes.
    let echo = format!("echo {}", channel.own);
    let back = async {
        while let Some(said) = heard.recv().await {
            if said == echo {
                return true;
            }
        }
        false
    };
    match timeout(ECHO, back).await {
        Ok(true) => bell.set_hears(true),
        Ok(false) | Err(_) => return,
    }
    loop {
        tokio::select! {
            said = heard.recv() => match said {
                Some(said) => channel.ring(bell, &said),
                None => return,
            },
            untold = bell.to_tell() => {
                for news in untold {
                    if channel.tell(news.name()).await.is_err() {
                        return;
                    }
                }
                sleep(SPACING).await;
            }
        }
    }
}

/// The channel of all processes on the same tables.
struct Channel {
    client: Client,
    /// In quotes.
    name: String,
    /// By what this process knows its own news, which come back to it.
    own: String,
}

impl Channel {
    /// Listens, and tells itself something.
    async fn open(client: Client) -> Result<Self, tokio_postgres::Error> {
        let schema = client
            .query_one("SELECT coalesce(CAST(current_schema() AS TEXT), '')", &[])
            .await?;
        let schema: String = schema.try_get(0)?;
        let channel = Channel {
            client,
            name: format!("\"simurgh.{}\"", schema.replace('"', "\"\"")),
            own: format!("{:016x}", RandomState::new().hash_one(0_u8)),
        };
        let listen = format!("LISTEN {}", channel.name);
        channel.client.batch_execute(&listen).await?;
        channel.tell("echo").await?;
        Ok(channel)
    }

    async fn tell(&self, what: &str) -> Result<(), tokio_postgres::Error> {
        let notify = format!("NOTIFY {}, '{what} {}'", self.name, self.own);
        self.client.batch_execute(&notify).await
    }

    fn ring(&self, bell: &Bell, said: &str) {
        let Some((what, whose)) = said.split_once(' ') else {
            return;
        };
        let news = News::ALL.into_iter().find(|news| news.name() == what);
        if let Some(news) = news.filter(|_| whose != self.own) {
            bell.ring(news);
        }
    }
}

impl PostgresSettings {
    /// A connection whose notifications go to `heard`, until it ends.
    async fn connect_to_listen(
        self,
        heard: mpsc::UnboundedSender<String>,
    ) -> Result<Client, EngineError> {
        let (client, connection) = self.open().await?;
        // It ends with its client.
        tokio::spawn(async move {
            let mut connection = pin!(connection);
            while let Some(Ok(message)) = poll_fn(|cx| connection.poll_message(cx)).await {
                if let AsyncMessage::Notification(notification) = message {
                    // Nobody hears: the client is gone, too.
                    let _ = heard.send(notification.payload().to_string());
                }
            }
        });
        Ok(client)
    }
}
