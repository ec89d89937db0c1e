//! Processes that a test or a benchmark starts, and what Linux tells of them.

use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::Context;

/// Linux counts processor time in hundredths of a second on every architecture that it runs on.
const TICK: Duration = Duration::from_millis(10);

/// A process; killed when it is dropped.
#[derive(Debug)]
pub struct Process(Child);

impl Process {
    /// Starts it with nothing but these variables. Its logs are written as always; nobody reads them.
    ///
    /// # Errors
    /// Of the system.
    pub fn start<K: AsRef<str>, V: AsRef<str>>(
        mut command: Command,
        environment: impl IntoIterator<Item = (K, V)>,
    ) -> anyhow::Result<Self> {
        command.env_clear();
        for (name, value) in environment {
            command.env(name.as_ref(), value.as_ref());
        }
        let program = command.get_program().to_owned();
        // Its input ends with the process that started it, which it may watch where nothing else ends it then.
        let child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn();
        Ok(Self(child.with_context(|| format!("{} cannot be started", program.display()))?))
    }

    /// Sends SIGKILL, and waits until it is gone.
    ///
    /// # Errors
    /// Of the system.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        self.0.kill()?;
        self.0.wait()?;
        Ok(())
    }

    /// Sends SIGTERM.
    ///
    /// # Errors
    /// Of the system.
    pub fn terminate(&self) -> anyhow::Result<()> {
        let sent = Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status()?;
        anyhow::ensure!(sent.success(), "SIGTERM cannot be sent: {sent}");
        Ok(())
    }

    /// How it ended, if it has.
    ///
    /// # Errors
    /// Of the system.
    pub fn ended(&mut self) -> anyhow::Result<Option<ExitStatus>> {
        Ok(self.0.try_wait()?)
    }

    /// An error once the process has ended, of one that never ends by itself.
    ///
    /// # Errors
    /// How it ended.
    pub fn still_runs(&mut self) -> anyhow::Result<()> {
        match self.ended()? {
            None => Ok(()),
            Some(status) => anyhow::bail!("the worker ended: {status}"),
        }
    }

    /// Processor time used so far, of all threads, in user and system mode.
    ///
    /// # Errors
    /// Where there is no `/proc`.
    pub fn cpu(&self) -> anyhow::Result<Duration> {
        let stat = self.proc("stat")?;
        // The second field is the name, in parentheses; utime and stime are fields 14 and 15.
        let fields = stat.rsplit(") ").next().unwrap_or_default();
        let ticks: u32 = fields.split(' ').skip(11).take(2).map(|n| n.parse().unwrap_or(0)).sum();
        Ok(TICK * ticks)
    }

    /// Resident memory now and at most so far, in MiB.
    ///
    /// # Errors
    /// Where there is no `/proc`.
    pub fn memory(&self) -> anyhow::Result<(f64, f64)> {
        let status = self.proc("status")?;
        let mib = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
            kib.map_or(f64::NAN, |kib| kib / 1024.0)
        };
        Ok((mib("VmRSS:"), mib("VmHWM:")))
    }

    /// How many sockets it has open.
    ///
    /// # Errors
    /// Where there is no `/proc`.
    pub fn sockets(&self) -> anyhow::Result<usize> {
        let open = std::fs::read_dir(format!("/proc/{}/fd", self.0.id())).context("this needs Linux")?;
        let target = |entry: std::io::Result<std::fs::DirEntry>| std::fs::read_link(entry.ok()?.path()).ok();
        Ok(open.filter_map(target).filter(|target| target.to_string_lossy().starts_with("socket:")).count())
    }

    fn proc(&self, file: &str) -> anyhow::Result<String> {
        let path = format!("/proc/{}/{file}", self.0.id());
        std::fs::read_to_string(&path).with_context(|| format!("{path} cannot be read; this needs Linux"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
