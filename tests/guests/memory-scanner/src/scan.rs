//! Scans linear memory.

use std::hint::black_box;

/// The mask of a needle: each byte is XORed with it. Not 0x20, which would turn letters into other letters.
const MASK: u8 = 0xa5;
/// The size of a page of linear memory, in bytes.
const PAGE: usize = 64 << 10;

/// The needles that were found, as `needle-3`. `masked` is a comma-separated list of hexadecimal strings.
pub fn memory(masked: &str) -> Vec<String> {
    let needles: Vec<Vec<u8>> = masked.split(',').map(bytes).collect();
    // The needles by their first byte, so that one pass over the memory is enough.
    let mut starts: Vec<Vec<usize>> = vec![Vec::new(); 256];
    for (index, needle) in needles.iter().enumerate() {
        let Some(first) = needle.first() else { continue };
        starts[usize::from(first ^ MASK)].push(index);
    }
    let mut found = vec![false; needles.len()];
    let memory = whole();
    for (at, byte) in memory.iter().enumerate() {
        for index in &starts[usize::from(*byte)] {
            let (needle, rest) = (&needles[*index], &memory[at..]);
            if rest.len() >= needle.len() && needle.iter().zip(rest).all(|(masked, byte)| masked ^ MASK == *byte) {
                found[*index] = true;
            }
        }
    }
    found.iter().enumerate().filter(|(_, found)| **found).map(|(index, _)| format!("needle-{index}")).collect()
}

fn bytes(hex: &str) -> Vec<u8> {
    hex.as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap_or("00"), 16).unwrap_or(0))
        .collect()
}

/// All of linear memory except its first byte, whose address would be the null pointer.
#[allow(unsafe_code, reason = "reading what no reference leads to any more is the point")]
fn whole() -> &'static [u8] {
    #[cfg(target_arch = "wasm32")]
    let pages = core::arch::wasm32::memory_size(0);
    #[cfg(not(target_arch = "wasm32"))]
    let pages = 0;
    let start = black_box(1_usize) as *const u8;
    // SAFETY: every address below the memory's size can be read, nothing else runs, and the slice ends with this scan,
    // during which nothing that it covers is written but counters whose value does not matter.
    unsafe { std::slice::from_raw_parts(start, (pages * PAGE).saturating_sub(1)) }
}
