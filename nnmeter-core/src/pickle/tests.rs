//! The machine on pickles written by hand: what it takes, and hostile ones, which it names.

use std::borrow::Cow;

use super::{Global, Pickle, Value};
use crate::ensemble::Forest;
use crate::error::ErrorKind;

fn error_of(bytes: &[u8]) -> String {
    Pickle::read(bytes).expect_err("a hostile pickle").to_string()
}

/// `c`, the opcode of a global.
fn global(module: &str, name: &str) -> Vec<u8> {
    format!("c{module}\n{name}\n").into_bytes()
}

#[test]
fn refuses_to_call_anything() {
    let calls: [(&str, &str, &[u8]); 10] = [
        ("os", "system", b"(S'id'\ntR."),
        ("posix", "system", b"(X\x02\0\0\0idtR."),
        ("builtins", "eval", b"(X\x01\0\0\0\x31tR."),
        ("__builtin__", "exec", b"(X\x01\0\0\0\x31tR."),
        ("builtins", "getattr", b"."),
        ("subprocess", "Popen", b"(]X\x02\0\0\0idatR."),
        ("numpy", "load", b"(X\x01\0\0\0xtR."),
        ("sklearn.ensemble._forest", "joblib", b"."),
        ("sklearn.externals.joblib.numpy_pickle", "NumpyArrayWrapper", b")\x81."),
        ("importlib", "import_module", b"."),
    ];
    let found: String = calls
        .iter()
        .map(|(module, name, rest)| {
            let bytes = [&global(module, name)[..], rest].concat();
            let error = Pickle::read(&bytes).expect_err("a call");
            assert_eq!(error.kind(), ErrorKind::Unsupported);
            format!("{error}\n")
        })
        .collect();
    expect_test::expect![[r#"
        pickle, byte 11: refers to os.system, which a predictor has no need of
        pickle, byte 14: refers to posix.system, which a predictor has no need of
        pickle, byte 15: refers to builtins.eval, which a predictor has no need of
        pickle, byte 18: refers to __builtin__.exec, which a predictor has no need of
        pickle, byte 18: refers to builtins.getattr, which a predictor has no need of
        pickle, byte 18: refers to subprocess.Popen, which a predictor has no need of
        pickle, byte 12: refers to numpy.load, which a predictor has no need of
        pickle, byte 33: refers to sklearn.ensemble._forest.joblib, which a predictor has no need of
        pickle, byte 57: refers to sklearn.externals.joblib.numpy_pickle.NumpyArrayWrapper, which a predictor has no need of
        pickle, byte 25: refers to importlib.import_module, which a predictor has no need of
    "#]].assert_eq(&found);
    let stacked = b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x02id\x85R.";
    expect_test::expect!["pickle, byte 15: refers to os.system, which a predictor has no need of"]
        .assert_eq(&error_of(stacked));
}

#[test]
fn refuses_opcodes_that_reach_outside() {
    let opcodes: [&[u8]; 12] = [
        b"Pid\n.",
        b"NQ.",
        b"(ios\nsystem\n.",
        b"(cnumpy\nndarray\no.",
        b"\x82\x01.",
        b"\x83\x01\0.",
        b"\x84\x01\0\0\0.",
        b"\x97.",
        b"\x98.",
        b"\x8f.",
        b"cnumpy\nndarray\n)}\x92.",
        b"\x81.",
    ];
    let found: String = opcodes.iter().map(|bytes| error_of(bytes) + "\n").collect();
    expect_test::expect![[r#"
        pickle, byte 1: uses the opcode PERSID, which a predictor has no need of
        pickle, byte 2: uses the opcode BINPERSID, which a predictor has no need of
        pickle, byte 2: uses the opcode INST, which a predictor has no need of
        pickle, byte 17: uses the opcode OBJ, which a predictor has no need of
        pickle, byte 1: uses the opcode EXT1, which a predictor has no need of
        pickle, byte 1: uses the opcode EXT2, which a predictor has no need of
        pickle, byte 1: uses the opcode EXT4, which a predictor has no need of
        pickle, byte 1: uses the opcode NEXT_BUFFER, which a predictor has no need of
        pickle, byte 1: uses the opcode READONLY_BUFFER, which a predictor has no need of
        pickle, byte 1: uses the opcode EMPTY_SET, which a predictor has no need of
        pickle, byte 18: uses the opcode NEWOBJ_EX, which a predictor has no need of
        pickle, byte 1: too few values on the stack
    "#]]
    .assert_eq(&found);
}

#[test]
fn counts_that_promise_too_much_are_held_against_the_bytes() {
    let mut cases: Vec<Vec<u8>> = Vec::new();
    for opcode in [0x8d, 0x8e, 0x96] {
        for count in [1u64 << 63, u64::MAX, 1 << 40, 9] {
            cases.push([&[opcode][..], &count.to_le_bytes(), b"."].concat());
        }
    }
    for opcode in *b"XB\x8b" {
        cases.push([&[opcode][..], &u32::MAX.to_le_bytes(), b"."].concat());
    }
    cases.push([&b"\x95"[..], &u64::MAX.to_le_bytes(), b"N."].concat());
    cases.push(b"\x8a\xff".repeat(200));
    cases.push(b"Np4294967296\n.".to_vec());
    cases.push(b"Np-1\n.".to_vec());
    cases.push(b"Nr\xff\xff\xff\xffj\xfe\xff\xff\xff.".to_vec());
    cases.push(b"L99999999999999999999L\n.".to_vec());
    cases.push(b"\x80\x06N.".to_vec());
    let found: String = cases.iter().map(|bytes| error_of(bytes) + "\n").collect();
    expect_test::expect![[r#"
        pickle, byte 9: 1 bytes are left; expected 9223372036854775808, as a count says
        pickle, byte 9: 1 bytes are left; expected 18446744073709551615, as a count says
        pickle, byte 9: 1 bytes are left; expected 1099511627776, as a count says
        pickle, byte 9: 1 bytes are left; expected 9, as a count says
        pickle, byte 9: 1 bytes are left; expected 9223372036854775808, as a count says
        pickle, byte 9: 1 bytes are left; expected 18446744073709551615, as a count says
        pickle, byte 9: 1 bytes are left; expected 1099511627776, as a count says
        pickle, byte 9: 1 bytes are left; expected 9, as a count says
        pickle, byte 9: 1 bytes are left; expected 9223372036854775808, as a count says
        pickle, byte 9: 1 bytes are left; expected 18446744073709551615, as a count says
        pickle, byte 9: 1 bytes are left; expected 1099511627776, as a count says
        pickle, byte 9: 1 bytes are left; expected 9, as a count says
        pickle, byte 5: 1 bytes are left; expected 4294967295, as a count says
        pickle, byte 5: 1 bytes are left; expected 4294967295, as a count says
        pickle, byte 5: 1 bytes are left; expected 4294967295, as a count says
        pickle, byte 9: a frame of 18446744073709551615 bytes; expected at most 2, what is left
        pickle, byte 257: an integer of 255 bytes; expected at most 8
        pickle, byte 13: the number "4294967296"
        pickle, byte 5: the number "-1"
        pickle, byte 11: no memo #4294967294
        pickle, byte 23: the number "99999999999999999999L"
        pickle, byte 2: protocol 6; expected 0 to 5
    "#]]
    .assert_eq(&found);
}

#[test]
fn a_stack_that_does_not_hold_what_is_taken() {
    let cases: [&[u8]; 14] = [
        b"",
        b".",
        b"0.",
        b"N(0.",
        b"1.",
        b"t.",
        b"N\x86.",
        b"N(\x85.",
        b"NNa.",
        b"}Ns.",
        b"}(Nu.",
        b"NNb.",
        b"cnumpy\nndarray\n)\x81NbNb.",
        b"N.N.",
    ];
    let found: String = cases.iter().map(|bytes| error_of(bytes) + "\n").collect();
    expect_test::expect![[r#"
        pickle, byte 0: 0 bytes are left; expected 1, as a count says
        pickle, byte 1: too few values on the stack
        pickle, byte 1: too few values on the stack
        pickle, byte 3: too few values on the stack
        pickle, byte 1: no mark on the stack
        pickle, byte 1: no mark on the stack
        pickle, byte 2: too few values on the stack
        pickle, byte 3: too few values on the stack
        pickle, byte 3: appends to what is no list
        pickle, byte 3: too few values on the stack
        pickle, byte 4: a key without a value
        pickle, byte 3: a state for what has one, or can have none
        pickle, byte 21: a state for what has one, or can have none
        pickle, byte 2: 2 bytes follow the end
    "#]]
    .assert_eq(&found);
}

#[test]
fn depth_cycles_and_sharing_do_no_harm() {
    let depth = 300_000;
    let deep = [&b"]".repeat(depth)[..], &b"a".repeat(depth - 1), b"."].concat();
    let pickle = Pickle::read(&deep).expect("lists in lists");
    assert_eq!(pickle.items(pickle.root()).map(<[_]>::len), Some(1));
    // A list, a dictionary and a state that hold themselves.
    for bytes in [&b"]q\0h\0a."[..], b"}q\0Nh\0s.", b"cnumpy\nndarray\n)\x81q\0h\0b."] {
        assert!(Pickle::read(bytes).is_ok(), "{}", bytes.escape_ascii());
        assert!(Forest::from_sklearn(bytes).is_err());
    }
    // Two to the power of a thousand elements, if anybody counted them.
    let doubled = [&b"]"[..], &b"2\x86".repeat(1000), b"."].concat();
    assert!(Pickle::read(&doubled).is_ok());
    let endless = b"N0".repeat(1 << 22);
    assert!(error_of(&endless).ends_with("more than 4194304 opcodes"));
}

#[test]
fn numbers_and_texts_of_every_protocol() {
    let value = |bytes: &[u8]| Pickle::read(bytes).map(|pickle| format!("{:?}", pickle.root()));
    let cases: [(&[u8], &str); 16] = [
        (b"I-5\n.", "Int(-5)"),
        (b"I01\n.", "Bool(true)"),
        (b"I00\n.", "Bool(false)"),
        (b"L-7L\n.", "Int(-7)"),
        (b"J\xfe\xff\xff\xff.", "Int(-2)"),
        (b"K\xfe.", "Int(254)"),
        (b"M\x01\x02.", "Int(513)"),
        (b"\x8a\x00.", "Int(0)"),
        (b"\x8a\x02\x00\xff.", "Int(-256)"),
        (b"\x8b\x01\0\0\0\x7f.", "Int(127)"),
        (b"F1e-3\n.", "Float(0.001)"),
        (b"G\x3f\xf0\0\0\0\0\0\0.", "Float(1.0)"),
        (b"\x8c\x02ab.", "Text(\"ab\")"),
        (b"C\x02ab.", "Bytes([97, 98])"),
        (b"\x88\x89\x85.", "Object(Id(0))"),
        (b"(N1\x88.", "Bool(true)"),
    ];
    for (bytes, expected) in cases {
        assert_eq!(value(bytes).expect("a value"), expected, "{}", bytes.escape_ascii());
    }
    let pickle = Pickle::read(b"Va\xe9\\u20ac\\U0001f600\n.").expect("escapes");
    assert_eq!(pickle.text(pickle.root()), Some("aé€😀"));
    assert!(error_of(b"V\\ud800\n.").ends_with("a wrong escape"));
}

#[test]
fn bytes_as_text_and_objects_of_protocol_zero() {
    let pickle = Pickle::read(b"c_codecs\nencode\n(X\x03\0\0\0a\xc3\xa9X\x06\0\0\0latin1tR.");
    let pickle = pickle.expect("bytes");
    let expected = Some(Cow::Owned(vec![b'a', 0xe9]));
    assert_eq!(pickle.bytes(pickle.root()), expected);
    let bytes = b"ccopy_reg\n_reconstructor\n(csklearn.tree.tree\nDecisionTreeRegressor\n\
        c__builtin__\nobject\nNtR(dX\x01\0\0\0aI1\nsX\x01\0\0\0aI2\nsb.";
    let pickle = Pickle::read(bytes).expect("an object");
    let (class, _, state) = pickle.made(pickle.root()).expect("made");
    assert_eq!(class, Global::DecisionTreeRegressor);
    assert_eq!(pickle.entry(state.expect("a state"), "a"), Some(Value::Int(2)));
}
