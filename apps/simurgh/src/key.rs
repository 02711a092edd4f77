//! `simurgh key`: another key for what rests sealed, and keys opened.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use rsp_crypto::OsRng;
use rsp_crypto::software::Sealer;
use zeroize::Zeroizing;

use crate::config::Config;
use crate::key_file::{self, Resealed};
use crate::{Failure, files, shell};

/// What can be done with keys.
#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Seal everything anew with another key
    ///
    /// Ends with the new key in the key file; the old one stays beside it, for
    /// backups, until you delete it. No server on the database may run. What was cut off
    /// is finished by the same command again.
    Rotate(Rotate),
    /// Print a sealed private key as plain PEM
    Open(Open),
}

/// Change the key.
#[derive(Debug, Args)]
pub(crate) struct Rotate {
    /// The configuration, as written by `simurgh init`
    #[arg(long, short, default_value = "simurgh.toml", env = "SIMURGH_CONFIG")]
    config: PathBuf,
    /// File with the new key: 32 octets in hexadecimal or base64 [default: a
    /// random one is made]
    #[arg(long, value_name = "FILE")]
    new_key_file: Option<PathBuf>,
    /// Further folder of sealed keys; may be repeated [default: `ca` beside the
    /// configuration, if there is one]
    #[arg(long, value_name = "FOLDER")]
    ca: Vec<PathBuf>,
}

/// Open a key.
#[derive(Debug, Args)]
pub(crate) struct Open {
    /// The sealed private key
    file: PathBuf,
    /// The key file that it was sealed with
    #[arg(long, default_value = "simurgh.key", value_name = "FILE")]
    key_file: PathBuf,
}

impl KeyCommand {
    pub(crate) fn run(&self) -> Result<(), Failure> {
        match self {
            KeyCommand::Rotate(rotate) => rotate.run(),
            KeyCommand::Open(open) => open.run(),
        }
    }
}

impl Open {
    fn run(&self) -> Result<(), Failure> {
        let text = Zeroizing::new(files::read(&self.file)?);
        let sealer = key_file::read(&self.key_file)?;
        match key_file::is_sealed(&text) {
            true => out!("{}", *key_file::open(&self.file, &text, &sealer)?),
            false => return Err(Failure::new(self.file.display(), "is not sealed")),
        }
        Ok(())
    }
}

impl Rotate {
    fn run(&self) -> Result<(), Failure> {
        let config = Config::read(&self.config, &[])?;
        let database = config.database()?;
        let _lock = database.lock()?;
        let path = &config.key_file;
        let old = key_file::read(path)?;
        let (new, text) = self.new_key(path)?;
        if is_same(&old, &new)? {
            return finish_same(path, self.new_key_file.is_some());
        }
        let keys = self.private_keys(&config)?;
        // Everything must open before anything is changed.
        for key in &keys {
            key_file::reseal(key, &old, &new, false)?;
        }
        if database.exists() {
            let resealed = database.reseal(old.clone(), new.clone());
            match resealed.map_err(|error| Failure::new(&database, error))? {
                Some(count) => outln!("sealed {count} secrets anew in {database}"),
                None => outln!("{database} has the new key already"),
            }
        }
        let mut count = 0;
        for key in &keys {
            match key_file::reseal(key, &old, &new, true)? {
                Resealed::Done => count += 1,
                Resealed::Before => {}
                Resealed::Plain => eprintln!("{} is in plain PEM and stays so", key.display()),
            }
        }
        outln!("sealed {count} private keys anew");
        self.keep_old(path)?;
        files::replace_secret(path, text.as_bytes())?;
        outln!("{} is the new key; keep a copy elsewhere", path.display());
        remove_next(path)
    }

    /// The next key and the text of its file: one that was given, one that
    /// waits since a run was cut off, or a new one.
    fn new_key(&self, path: &Path) -> Result<(Sealer, Zeroizing<String>), Failure> {
        let next = key_file::next(path);
        let waiting = next.exists();
        if let (Some(given), false) = (&self.new_key_file, waiting) {
            // It waits where a run that is cut off will be looked for.
            key_file::read(given)?;
            files::write_secret(&next, Zeroizing::new(files::read(given)?).as_bytes())?;
        } else if !waiting {
            key_file::create(&next)?;
        }
        Ok((key_file::read(&next)?, Zeroizing::new(files::read(&next)?)))
    }

    /// The files of private keys.
    fn private_keys(&self, config: &Config) -> Result<Vec<PathBuf>, Failure> {
        let beside = self.config.with_file_name("ca");
        let mut folders = vec![config.pki.clone()];
        match self.ca.is_empty() {
            true if beside.is_dir() => folders.push(beside),
            true => {}
            false => folders.extend(self.ca.iter().cloned()),
        }
        let mut keys = Vec::new();
        for folder in folders {
            collect(&folder, true, &mut keys)?;
        }
        keys.sort();
        Ok(keys)
    }

    /// The old key opens backups.
    fn keep_old(&self, path: &Path) -> Result<(), Failure> {
        let text = Zeroizing::new(files::read(path)?);
        let when = shell::now().to_rfc3339().replace(':', "");
        let kept = files::beside(path, &format!("old-{when}"));
        files::write_secret(&kept, text.as_bytes())?;
        outln!("{} opens what was sealed before: backups", kept.display());
        Ok(())
    }
}

/// Files that end in `.key.pem`, in a folder and those in it.
fn collect(folder: &Path, deeper: bool, keys: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let failed = |error| Failure::new(format!("cannot read {}", folder.display()), error);
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.is_dir() && deeper {
            collect(&path, false, keys)?;
        } else if path.to_string_lossy().ends_with(".key.pem") {
            keys.push(path);
        }
    }
    Ok(())
}

fn is_same(one: &Sealer, other: &Sealer) -> Result<bool, Failure> {
    let place = ["the same key"];
    let mut rng: OsRng = shell::random()?;
    let sealed = one.seal(&place, b"", &mut rng).map_err(Failure::of)?;
    Ok(other.open(&place, &sealed).is_ok())
}

/// The key file has the new key: nothing is left to do, or it never was new.
fn finish_same(path: &Path, given: bool) -> Result<(), Failure> {
    remove_next(path)?;
    match given {
        true => Err(Failure::new("--new-key-file", "this is the key already")),
        false => {
            outln!("{} is the new key already", path.display());
            Ok(())
        }
    }
}

fn remove_next(path: &Path) -> Result<(), Failure> {
    let next = key_file::next(path);
    std::fs::remove_file(&next)
        .map_err(|error| Failure::new(format!("cannot remove {}", next.display()), error))
}
