//! `nnmeter-bridge trial` as a shell script calls it, with both of NNI's ways to its trials.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};

use expect_test::expect;
use serde_json::{Value as Json, json};

fn run(folder: &Path, channel: Option<&str>, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nnmeter-bridge"));
    command.arg("trial").args(arguments).env_clear();
    command.env("NNI_TRIAL_JOB_ID", "oAYs3").env("NNI_SYS_DIR", folder);
    command.envs(channel.map(|url| ("NNI_TRIAL_COMMAND_CHANNEL", url)));
    command.output().expect("it runs")
}

fn packed() -> Json {
    let space = nnmeter_filters::builtin::space("nasbench201").expect("built in");
    let sample = space.samples().last().expect("a sample");
    let arch =
        json!({"space": "nasbench201", "sample": space.sample_to_json(&sample), "costs": []});
    json!({"parameter_id": 3, "parameter_source": "algorithm", "parameter_index": 0,
        "parameters": {"lr": 0.1, "arch": arch}})
}

#[test]
fn files_of_nni_2_10() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("parameter.cfg"), packed().to_string()).expect("written");
    let run = |arguments: &[&str]| run(folder.path(), None, arguments);
    let printed = run(&["params"]);
    let parameters: Json = serde_json::from_slice(&printed.stdout).expect("JSON");
    assert_eq!(parameters["lr"], 0.1);
    for arguments in [
        ["report", "--intermediate", "0.5"],
        ["report", "--intermediate", "{\"default\": NaN}"],
        ["report", "--intermediate", "-1"],
        ["report", "--final", "{\"default\": 0.9, \"latency_ms\": 12.5}"],
    ] {
        assert!(run(&arguments).status.success(), "{arguments:?}");
    }
    let metrics = std::fs::read_to_string(folder.path().join(".nni/metrics")).expect("metrics");
    expect![[r#"
        ME000089{"parameter_id":3,"sequence":0,"trial_job_id":"oAYs3","type":"PERIODICAL","value":"0.5"}
        ME000107{"parameter_id":3,"sequence":1,"trial_job_id":"oAYs3","type":"PERIODICAL","value":"{\"default\":\"NaN\"}"}
        ME000088{"parameter_id":3,"sequence":2,"trial_job_id":"oAYs3","type":"PERIODICAL","value":"-1"}
        ME000118{"parameter_id":3,"sequence":0,"trial_job_id":"oAYs3","type":"FINAL","value":"{\"default\":0.9,\"latency_ms\":12.5}"}
    "#]].assert_eq(&metrics);
    for (arguments, code) in [
        (&["report", "--final", "0.9"][..], 1),
        (&["report", "--intermediate", "\"high\""], 1),
        (&["report", "--intermediate", "high"], 2),
        (&["report"], 2),
        (&["predict", "--device", "abacus"], 2),
        (&["predict", "--device", "cortexA76cpu_tflite21", "--param", "lr"], 2),
    ] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}");
        assert!(!output.stderr.is_empty());
    }
    let after = std::fs::read_to_string(folder.path().join(".nni/metrics")).expect("metrics");
    assert_eq!(after, metrics);
}

#[test]
fn a_trial_measures_its_job() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text);
    let json = br#"{"x": {"inbounds": [], "outbounds": ["r"], "attr": {"type": "Placeholder",
        "attr": {"shape": [1, 2]}, "input_shape": [], "output_shape": [[1, 2]]}},
        "r": {"inbounds": ["x"], "outbounds": [], "attr": {"type": "Relu", "attr": {},
        "input_shape": [], "output_shape": []}}}"#;
    write("net.json", std::str::from_utf8(json).expect("text")).expect("written");
    let jobs = r#"[{"file": null, "rounds": 0}, {"file": "net.json", "rounds": 2}, {"file": "none", "rounds": 2}]"#;
    write("jobs.json", jobs).expect("written");
    let script = "[ $1 = identity ] && echo '{\"chip\": \"a\", \"threads\": 1, \"runtime\": \"r\", \
        \"version\": \"1\"}' || echo '{\"latency_ms\": [2.5, 2]}'";
    write("bench.sh", script).expect("written");
    let measure = |job: &str| {
        let system = folder.path().join(job);
        std::fs::create_dir(&system).expect("a folder");
        let parameters = json!({"parameter_id": 3, "parameters": {"job": job}});
        std::fs::write(system.join("parameter.cfg"), parameters.to_string()).expect("written");
        let mut command = Command::new(env!("CARGO_BIN_EXE_nnmeter-bridge"));
        command.args(["trial", "measure", "--backend", "command:/bin/sh bench.sh"]).env_clear();
        command.env("NNI_TRIAL_JOB_ID", "oAYs3").env("NNI_SYS_DIR", &system);
        let output = command.current_dir(folder.path()).output().expect("it runs");
        let metrics = std::fs::read_to_string(system.join(".nni/metrics")).unwrap_or_default();
        let metric: Json = serde_json::from_str(metrics.get(8..).unwrap_or("null")).expect("JSON");
        let value: Json =
            serde_json::from_str(metric["value"].as_str().unwrap_or("null")).expect("JSON");
        let mut report = value["nnmeter"].clone();
        let host = report.as_object_mut().and_then(|report| report.remove("host"));
        assert!(host.is_none_or(|host| host.as_str().is_some_and(|host| !host.is_empty())));
        format!("{:?} {} {report}\n", output.status.code(), value["default"])
    };
    let told = ["0", "1", "2", "3"].map(measure).concat();
    expect![[r#"
        Some(0) -1.0 {"job":0,"measured":{"identity":{"chip":"a","precision":"fp32","runtime":"r","threads":"1","timer":"time as the runtime states it","version":"1"},"metrics":["latency_ms"],"rounds":[]}}
        Some(0) 2.0 {"job":1,"measured":{"identity":{"chip":"a","precision":"fp32","runtime":"r","threads":"1","timer":"time as the runtime states it","version":"1"},"metrics":["latency_ms"],"rounds":[{"latency_ms":[2.5,2.0]},{"latency_ms":[2.5,2.0]}]}}
        Some(1) -1.0 {"failed":{"hint":null,"message":"./none: No such file or directory (os error 2)","unsupported":false},"job":2}
        Some(1) null null
    "#]].assert_eq(&told);
}

#[test]
fn outside_of_a_trial() {
    let output = Command::new(env!("CARGO_BIN_EXE_nnmeter-bridge"))
        .args(["trial", "params"])
        .env_clear()
        .output()
        .expect("it runs");
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    expect![[r#"
        error: variable NNI_TRIAL_JOB_ID: is not set; expected the environment that NNI gives its trials
        hint: start it as, or from, the trialCommand of an experiment
    "#]].assert_eq(&error);
}

#[test]
fn http_of_nni_3_0() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/env/local-env/oAYs3", listener.local_addr().expect("an address"));
    // It makes the parameters wait, gives them, and takes the result.
    let parameter = json!({"type": "parameter", "parameter": packed().to_string()}).to_string();
    let answers = [(200, ""), (408, ""), (200, parameter.as_str()), (200, "")];
    let folder = tempfile::tempdir().expect("a folder");
    let (output, heard) = std::thread::scope(|scope| {
        let server = scope.spawn(|| answers.map(|answer| serve(&listener, answer)));
        let output = run(folder.path(), Some(&url), &["predict", "-d", "cortexA76cpu_tflite21"]);
        (output, server.join().expect("served"))
    });
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    let result: Json = serde_json::from_slice(&output.stdout).expect("JSON");
    assert!(result["latency_ms"].as_f64().is_some_and(|ms| ms > 0.0));
    assert_eq!(heard[0], ("PUT".to_owned(), "{\"type\":\"request_parameter\"}".to_owned()));
    assert_eq!((heard[1].0.as_str(), heard[2].0.as_str()), ("GET", "GET"));
    let metric: Json = serde_json::from_str(&heard[3].1).expect("JSON");
    let metric: Json =
        serde_json::from_str(metric["metric"].as_str().expect("text")).expect("JSON");
    assert_eq!(metric["type"], "FINAL");
    assert_eq!(metric["value"], result.to_string());
}

/// Answers one request; returns its method and body.
fn serve(listener: &TcpListener, (status, body): (u16, &str)) -> (String, String) {
    let (mut stream, _) = listener.accept().expect("a connection");
    let mut reader = BufReader::new(stream.try_clone().expect("a stream"));
    let (mut method, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).expect("a line");
        let lower = line.trim().to_lowercase();
        if method.is_empty() {
            method = line.split(' ').next().unwrap_or_default().to_owned();
        } else if let Some(value) = lower.strip_prefix("content-length:") {
            length = value.trim().parse().expect("a length");
        } else if lower.is_empty() {
            break;
        }
    }
    let mut sent = vec![0; length];
    reader.read_exact(&mut sent).expect("a body");
    let answer = format!(
        "HTTP/1.1 {status} x\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(answer.as_bytes()).expect("answered");
    (method, String::from_utf8(sent).expect("text"))
}
