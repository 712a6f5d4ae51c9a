//! Which process NNI's manager is, and whether it is still there.
//!
//! A tuner must not connect to another manager than its own: one that resumes the experiment at the
//! same address starts its own tuner. Where the system has no `/proc`, nothing is known.

use std::fs;
use std::os::unix::process::parent_id;

/// Says a worker that takes the keeper's place which process the manager is.
pub const VARIABLE: &str = "NNMETER_NNI_MANAGER";
/// NNI starts its tuner through one of these.
const SHELLS: [&str; 4] = ["sh", "dash", "bash", "zsh"];

/// NNI's manager.
#[derive(Clone, Copy, Debug)]
pub struct Manager(Option<u32>);

impl Manager {
    /// The process that started this one, but for shells; or the one that the environment names.
    pub fn of_this_process() -> Self {
        let named = std::env::var(VARIABLE).ok().and_then(|pid| pid.parse().ok());
        Self(named.or_else(|| {
            let mut pid = parent_id();
            while SHELLS.contains(&fs::read_to_string(format!("/proc/{pid}/comm")).ok()?.trim()) {
                pid = parent(pid)?;
            }
            Some(pid)
        }))
    }

    /// Its number, if it is known.
    pub fn pid(self) -> Option<u32> {
        self.0
    }

    /// Whether it has ended: also if nobody took notice yet, which leaves no command line.
    pub fn is_gone(self) -> bool {
        let command = |pid| fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        self.0.is_some_and(|pid| command(pid).is_empty())
    }
}

/// The parent of a process: the fourth field, where the second may hold anything in parentheses.
fn parent(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processes_end() {
        assert!(!Manager(Some(std::process::id())).is_gone());
        assert_eq!(parent(std::process::id()).unwrap_or(parent_id()), parent_id());
        let mut child = std::process::Command::new("true").spawn().expect("a process");
        let manager = Manager(Some(child.id()));
        child.wait().expect("it ends");
        assert!(manager.is_gone() || !std::path::Path::new("/proc/self").exists());
        assert!(!Manager(None).is_gone());
    }
}
