//! What threads cost the processor.

use std::time::Duration;

use crate::Failure;

/// Processor time that all living threads of this process with this name have
/// used (Linux: the scheduler's own account, in nanoseconds).
///
/// # Errors
/// If the system does not say, or there is no such thread.
pub(super) fn time_of_threads(name: &str) -> Result<Duration, Failure> {
    let mut nanoseconds = 0u64;
    let mut threads = 0;
    for thread in std::fs::read_dir("/proc/self/task")? {
        let folder = thread?.path();
        // A thread may end between the two readings.
        let Ok(comm) = std::fs::read_to_string(folder.join("comm")) else {
            continue;
        };
        if comm.trim_end() != name {
            continue;
        }
        let account = std::fs::read_to_string(folder.join("schedstat"))?;
        let used = account.split_ascii_whitespace().next();
        let used: Option<u64> = used.and_then(|used| used.parse().ok());
        nanoseconds += used.ok_or("the system keeps no account of processor time")?;
        threads += 1;
    }
    match threads {
        0 => Err(format!("there is no thread {name}").into()),
        _ => Ok(Duration::from_nanos(nanoseconds)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    #[test]
    fn a_busy_thread_is_charged() {
        let busy = std::thread::Builder::new().name("busy".into());
        let charged = busy.spawn(|| {
            let before = time_of_threads("busy").unwrap();
            let started = Instant::now();
            while started.elapsed() < Duration::from_millis(50) {
                std::hint::spin_loop();
            }
            // The scheduler books when it looks.
            std::thread::sleep(Duration::from_millis(1));
            time_of_threads("busy").unwrap() - before
        });
        let charged = charged.unwrap().join().unwrap();
        assert!(charged > Duration::ZERO && charged < Duration::from_secs(5));
        assert!(time_of_threads("no such thread").is_err());
    }
}
