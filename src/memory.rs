//! Memory that the system refuses. By itself a program is aborted then, with a dump and words for those who made it; this one
//! says what is missing and how it is mended, and ends with the exit code of a system that has nothing left. For its state that
//! is one more sudden end.
//!
//! Neither may need any memory: the sentence is there from the start, in one language, and nothing is cleared up. Whoever can
//! do with less (`try_reserve`) is not asked; nothing of ours does, and in foreign code it is what reads a file whole.

use crate::cli::exit;
use std::alloc::{GlobalAlloc, Layout, System};
use std::ffi::c_int;

const REFUSED: &[u8] = b"error: the system has no memory left for this program\n\
    hint: end other programs, or raise the limit: ulimit -v unlimited\n";

#[global_allocator]
static MEMORY: Memory = Memory;

unsafe extern "C" {
    /// Ends the process at once (_exit(2)).
    safe fn _exit(code: c_int) -> !;
}

/// Lets the threads share two of the GNU library's heaps. By itself it makes up to eight for each processor, and what was freed in
/// one of them serves no other: a supervisor of twenty busy panes held 35 MB of which 21 were in use, and still grew
/// (mallopt(3), `M_ARENA_MAX`). Who names a number in the environment wants that one.
#[cfg(target_env = "gnu")]
pub fn share_heaps() {
    const M_ARENA_MAX: c_int = -8;
    unsafe extern "C" {
        /// Sets a parameter of the allocator (mallopt(3)); 0 where it doesn't know it.
        safe fn mallopt(parameter: c_int, value: c_int) -> c_int;
    }
    if std::env::var_os("MALLOC_ARENA_MAX").is_none() {
        // Where it can't be set, memory is held that nobody needs, as before.
        let _ = mallopt(M_ARENA_MAX, 2);
    }
}

/// Other libraries have one heap.
#[cfg(not(target_env = "gnu"))]
pub const fn share_heaps() {}

/// The system's memory; what it refuses ends the process.
struct Memory;

// SAFETY: each call is handed on to the system's allocator as it is, with all that its caller promises, and what that gives is
// given; no call returns without memory.
unsafe impl GlobalAlloc for Memory {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        given(unsafe { System.alloc(layout) })
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        given(unsafe { System.alloc_zeroed(layout) })
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        given(unsafe { System.realloc(block, layout, size) })
    }
}

/// Ends in the same way where the standard library panics because the system refuses it memory, such as for a thread's stack.
pub fn mind_panics() {
    let others = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let payload = panic.payload();
        let words =
            payload.downcast_ref::<String>().map(String::as_str).or_else(|| payload.downcast_ref::<&str>().copied());
        if words.is_some_and(is_of_memory) {
            refused();
        }
        others(panic);
    }));
}

/// Whether it says that memory was refused (ENOMEM, or EAGAIN for a thread: pthread_create(3)).
fn is_of_memory(words: &str) -> bool {
    let is = |codes: [&str; 2]| codes.iter().any(|code| words.contains(code));
    is(["(os error 12)", "code: 12,"]) || words.contains("spawn") && is(["(os error 11)", "code: 11,"])
}

fn given(block: *mut u8) -> *mut u8 {
    if block.is_null() {
        refused();
    }
    block
}

#[cold]
fn refused() -> ! {
    // Where standard error is closed too the code alone tells.
    let _ = rustix::io::write(rustix::stdio::stderr(), REFUSED);
    _exit(c_int::from(exit::SYSTEM))
}

#[cfg(test)]
mod tests {
    use super::is_of_memory;

    #[test]
    fn a_panic_about_memory_is_told_from_others() {
        for words in [
            "failed to allocate an alternative stack: Cannot allocate memory (os error 12)",
            "failed to spawn thread: Os { code: 11, kind: WouldBlock, message: \"Resource temporarily unavailable\" }",
            "OS can't spawn worker thread: Resource temporarily unavailable (os error 11)",
        ] {
            assert!(is_of_memory(words), "{words}");
        }
        for words in ["index out of bounds", "Resource temporarily unavailable (os error 11)", "(os error 2)"] {
            assert!(!is_of_memory(words), "{words}");
        }
    }
}
