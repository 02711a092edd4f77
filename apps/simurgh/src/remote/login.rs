//! `simurgh login` and `logout`.

use std::io::{BufRead, IsTerminal, Write};
use std::path::PathBuf;
use std::process::Command;

use api::client;
use api::{ChangePassword, Session, SessionStage, ShowFactor, SignIn};
use clap::Args;
use zeroize::Zeroizing;

use super::{Api, ServerAt};
use crate::{Failure, files};

/// Sign in, and keep the session for the commands that follow.
///
/// Password and codes are asked for; without a terminal they are read from standard
/// input, one on each line. The session is kept in a file that only you can read, and
/// ends by itself. Programs use API keys instead: simurgh api-key add.
#[derive(Debug, Args)]
pub(crate) struct Login {
    #[command(flatten)]
    place: ServerAt,
    /// What you sign in with
    user: String,
    /// Your tenant
    #[arg(long, default_value = "default")]
    tenant: String,
}

/// End the session that `simurgh login` began.
#[derive(Debug, Args)]
pub(crate) struct Logout {
    #[command(flatten)]
    place: ServerAt,
}

/// Where the session is kept: SIMURGH_SESSION, or the user's folder of settings.
pub(super) fn session_file() -> Option<PathBuf> {
    let set = std::env::var_os("SIMURGH_SESSION").map(PathBuf::from);
    set.or_else(|| {
        let folder = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from);
        let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".config"));
        Some(folder.or_else(home)?.join("simurgh/session"))
    })
}

/// The token of the session that is kept.
pub(super) fn kept() -> Option<Zeroizing<String>> {
    let text = std::fs::read_to_string(session_file()?).ok()?;
    Some(Zeroizing::new(text.trim().to_string()))
}

/// A line that is not shown while it is typed.
fn ask(what: &str) -> Result<Zeroizing<String>, Failure> {
    let terminal = std::io::stdin().is_terminal();
    let echo = |on: &str| {
        if terminal {
            // Without it what is typed is seen, and taken all the same.
            let _ = Command::new("stty").arg(on).status();
        }
    };
    eprint!("{what}: ");
    let _ = std::io::stderr().flush();
    echo("-echo");
    let mut line = Zeroizing::new(String::new());
    let read = std::io::stdin().lock().read_line(&mut line);
    echo("echo");
    eprintln!();
    read.map_err(|error| Failure::new(what, error))?;
    let text = line.trim_end_matches(['\r', '\n']);
    match text.is_empty() {
        false => Ok(Zeroizing::new(text.to_string())),
        true => Err(Failure::new(what, "nothing was given")),
    }
}

impl Login {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let mut api = self.place.api(None)?;
        let password = ask("Password")?;
        let asked = SignIn {
            tenant: Some(self.tenant),
            user: self.user,
            password: api::Secret(password.to_string()),
        };
        let mut session: Session = api.tell(client::sign_in(&asked))?;
        loop {
            take(&mut api, &session)?;
            session = match session.stage {
                SessionStage::Open => break,
                SessionStage::SecondFactor => second_factor(&api)?,
                SessionStage::Enrol => enrol(&api)?,
                SessionStage::ChangePassword => change_password(&api, &password)?,
            };
        }
        outln!(
            "signed in as {} ({}) until {}",
            session.user,
            session.role,
            session.expires
        );
        Ok(())
    }
}

/// Goes on with the token that an answer brought, and keeps it.
fn take(api: &mut Api, session: &Session) -> Result<(), Failure> {
    let Some(token) = &session.token else {
        return Ok(());
    };
    api.authorise(&token.0);
    if session.stage != SessionStage::Open {
        return Ok(());
    }
    let file = session_file()
        .ok_or_else(|| Failure::new("the session", "set SIMURGH_SESSION to where to keep it"))?;
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder).map_err(|error| Failure::new(folder.display(), error))?;
    }
    files::replace_secret(&file, token.0.as_bytes())
}

fn second_factor(api: &Api) -> Result<Session, Failure> {
    let code = ask("Code of the authenticator app, or recovery code")?;
    let is_code = code.len() == 6 && code.bytes().all(|octet| octet.is_ascii_digit());
    let secret = Some(api::Secret(code.to_string()));
    let shown = match is_code {
        true => ShowFactor {
            code: secret,
            recovery_code: None,
        },
        false => ShowFactor {
            code: None,
            recovery_code: secret,
        },
    };
    api.tell(client::show_second_factor(&shown))
}

fn enrol(api: &Api) -> Result<Session, Failure> {
    let enrolment = api.ask(client::begin_authenticator_app())?;
    eprintln!("Your role needs a second factor. Tell your authenticator app this secret:");
    eprintln!("  {}", enrolment.secret.0);
    eprintln!("or show it this as a QR code:");
    eprintln!("  {}", enrolment.uri.0);
    let code = ask("Code that it shows")?;
    let shown = ShowFactor {
        code: Some(api::Secret(code.to_string())),
        recovery_code: None,
    };
    let session = api.tell(client::confirm_authenticator_app(&shown))?;
    eprintln!("Recovery codes, each good for one sign-in without the app; keep them safe:");
    for code in session.recovery_codes.iter().flatten() {
        eprintln!("  {}", code.0);
    }
    Ok(session)
}

fn change_password(api: &Api, old: &str) -> Result<Session, Failure> {
    eprintln!("The password is a one-time one. Choose another, of 12 characters or more.");
    let new = ask("New password")?;
    let again = ask("The same again")?;
    if new != again {
        return Err(Failure::new("New password", "the two are not the same"));
    }
    let changed = ChangePassword {
        old: api::Secret(old.to_string()),
        new: api::Secret(new.to_string()),
    };
    api.tell(client::change_password(&changed))
}

impl Logout {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let Some(token) = kept() else {
            outln!("there is no session");
            return Ok(());
        };
        let api = self.place.api(Some(&token))?;
        let ended = api.ask(client::sign_out());
        // The file goes in any case: a session that the server does not know any
        // more is of no use either.
        if let Some(file) = session_file() {
            std::fs::remove_file(&file).map_err(|error| Failure::new(file.display(), error))?;
        }
        ended
    }
}
