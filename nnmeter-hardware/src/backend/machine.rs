//! The processor of this machine, as far as the system tells.

use std::fs;

/// What the processor is called; the architecture's name where nothing says more.
pub fn chip() -> String {
    let told = cpu_info("model name").or_else(|| {
        let board = fs::read_to_string("/sys/firmware/devicetree/base/model").ok()?;
        Some(board.trim_matches(['\0', '\n']).to_owned())
    });
    told.unwrap_or_else(|| std::env::consts::ARCH.to_owned())
}

/// Its highest clock, in words, where that is known.
///
/// The clock of the moment is not for an identity: it would be another one each time.
pub fn clock() -> Option<String> {
    let highest = fs::read_to_string("/sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq").ok();
    let khz: Option<f64> = highest.and_then(|khz| khz.trim().parse().ok());
    let stated = || Some(chip().split_once(" @ ")?.1.trim().to_owned());
    khz.map(|khz| format!("{:.2} GHz", khz / 1e6)).or_else(stated)
}

fn cpu_info(key: &str) -> Option<String> {
    let told = fs::read_to_string("/proc/cpuinfo").ok()?;
    let (_, value) = told.lines().find_map(|line| line.strip_prefix(key)?.split_once(": "))?;
    Some(value.trim().to_owned())
}
