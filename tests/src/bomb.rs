//! Files that pass every structural check and are as expensive to compile as possible.
//!
//! Each is just below the limits that it exploits, so that it costs as much as such a file can. None needs special
//! knowledge: an attacker who reads the list of limits would try them.

use std::fmt::Write as _;

use crate::component::{EXPORTS, connector};

/// A component that is expensive to compile.
pub struct Bomb {
    /// What makes it expensive.
    pub name: &'static str,
    fields: fn() -> String,
}

impl Bomb {
    /// Builds the component.
    pub fn component(&self) -> Vec<u8> {
        connector(&format!("{EXPORTS} {}", (self.fields)()))
    }
}

/// The bomb that certainly needs much memory.
pub const LARGEST_FUNCTIONS: &str = "functions of the largest size";

/// Every bomb.
pub fn all() -> Vec<Bomb> {
    let bomb = |name, fields: fn() -> String| Bomb { name, fields };
    vec![
        bomb(LARGEST_FUNCTIONS, || repeated(7, &giant(MIXING, 18_000))),
        bomb("values that all live to the end", || repeated(7, &live_values(35_000))),
        bomb("loads and stores, each with its bound", || repeated(7, &giant(STORING, 18_000))),
        bomb("calls of calls", || {
            repeated(7, &giant("(drop (call $callee (call $callee (local.get 0))))", 37_000)) + CALLEE
        }),
        bomb("blocks as deep as they may be", || repeated(250, &nested("block", 1_000))),
        bomb("loops as deep as they may be", || repeated(250, &nested("loop", 1_000))),
        bomb("the maximum number of locals, changed in every loop", || repeated(40, &carried(4_900))),
        bomb("a jump table over every block", || repeated(13, &jump_table(900, 65_000))),
        bomb("jump tables that carry values", || repeated(25, &carrying_jump_table(200, 65_000))),
        bomb("functions as many as they may be", || "(func (param i32) (result i32) (local.get 0))".repeat(29_900)),
        bomb("exported functions", || exported_functions(29_000)),
        bomb("signatures as many as fit", || signatures(29_000)),
        bomb("parameters as many as they may be", || parameters(600)),
        bomb("one giant segment of data", || format!("(data (i32.const 0) \"{}\")", "x".repeat(60_000))),
        bomb("data segments as many as fit", || r#"(data (i32.const 0) "x")"#.repeat(95_000)),
        bomb("element segments as many as fit", || elements(90_000)),
        bomb("globals as many as fit", || "(global (mut i64) (i64.const 0))".repeat(250_000)),
        bomb("vector code", || repeated(7, &giant(VECTOR, 7_000))),
    ]
}

/// Each value is computed from the previous one, so that nothing can be optimized away.
const MIXING: &str =
    "(local.set 0 (i32.add (i32.mul (local.get 0) (i32.const 7919)) (i32.load offset=4 (local.get 0))))";
const STORING: &str = "(i32.store offset=8 (i32.load (local.get 0)) (i32.load offset=16 (local.get 0)))";
const CALLEE: &str = "(func $callee (param i32) (result i32) (local.get 0))";
const VECTOR: &str = "(v128.store (local.get 0) (i8x16.shuffle 0 31 1 30 2 29 3 28 4 27 5 26 6 25 7 24 \
    (v128.load (local.get 0)) (v128.load (local.get 0))))";

fn repeated(count: usize, text: &str) -> String {
    text.repeat(count)
}

/// A function that repeats a statement.
fn giant(statement: &str, count: usize) -> String {
    format!("(func (param i32) (result i32) {} (local.get 0))", statement.repeat(count))
}

/// Values on the stack that are used only at the end, so that a register allocator has to spill them.
fn live_values(count: usize) -> String {
    let mut text = "(func (param i32) (result i32) ".to_owned();
    for number in 0..count {
        write!(text, "(i32.load offset={} (local.get 0)) ", number % 16_000).unwrap();
    }
    text.push_str(&"i32.xor ".repeat(count - 1));
    text + ")"
}

fn nested(kind: &str, depth: usize) -> String {
    let open = format!("{kind} (br_if 0 (local.get 0)) ");
    format!("(func (param i32) {} {})", open.repeat(depth), "end ".repeat(depth))
}

/// Every local is changed in every loop, so that each loop's head joins all of them.
fn carried(locals: usize) -> String {
    let mut text = format!("(func (param i32) (local {}) ", "i32 ".repeat(locals));
    for depth in 0..8 {
        text.push_str("loop ");
        for local in (1..=locals).skip(depth).step_by(8) {
            write!(text, "(local.set {local} (i32.add (local.get {local}) (local.get 0))) ").unwrap();
        }
    }
    for _ in 0..8 {
        text.push_str("(br_if 0 (local.get 0)) end ");
    }
    text + ")"
}

fn jump_table(depth: usize, targets: usize) -> String {
    let mut text = format!("(func (param i32) {} (br_table ", "block ".repeat(depth));
    for target in 0..targets {
        write!(text, "{} ", target % depth).unwrap();
    }
    write!(text, "0 (local.get 0)) {})", "end ".repeat(depth)).unwrap();
    text
}

/// A jump table in which each jump passes all values.
fn carrying_jump_table(values: usize, targets: usize) -> String {
    let results = format!("(result {})", "i32 ".repeat(values));
    let mut text = format!("(func (param i32) {results} block {results} block {results} ");
    text.push_str(&"(local.get 0) ".repeat(values));
    text.push_str("(local.get 0) br_table ");
    for target in 0..targets {
        write!(text, "{} ", target % 2).unwrap();
    }
    text + "0 end end)"
}

fn exported_functions(count: usize) -> String {
    (0..count).fold(String::new(), |mut text, number| {
        write!(text, "(func (export \"{number}\"))").unwrap();
        text
    })
}

/// A distinct type for each number, written in binary with two kinds of parameters; each has a function, so that none is removed.
fn signatures(count: usize) -> String {
    (0..count).fold(String::new(), |mut text, number| {
        let parameters = format!("{number:015b}").replace('0', "i32 ").replace('1', "i64 ");
        write!(text, "(func (param {parameters}))").unwrap();
        text
    })
}

/// Functions that pass on the maximum number of parameters.
fn parameters(count: usize) -> String {
    let kinds = "i64 ".repeat(1_000);
    let handed: String = (0..1_000).fold(String::new(), |mut text, number| {
        write!(text, "(local.get {number}) ").unwrap();
        text
    });
    let mut text = format!("(func $many (param {kinds}) (result {kinds}) {handed})");
    for _ in 0..count {
        write!(text, "(func (param {kinds}) (result {kinds}) {handed} call $many call $many)").unwrap();
    }
    text
}

fn elements(count: usize) -> String {
    format!("(table 1 funcref) (func $f) {}", "(elem (i32.const 0) func $f)".repeat(count))
}
