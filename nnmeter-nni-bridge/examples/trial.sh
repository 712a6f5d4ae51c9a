#!/bin/sh
# A trial without Python. Where it makes up a score, yours trains.
set -eu

nnmeter-bridge trial params > parameters.$NNI_TRIAL_JOB_ID.json
latency=$(sed 's/.*"value":\([0-9.]*\).*/\1/' parameters.$NNI_TRIAL_JOB_ID.json)
rm parameters.$NNI_TRIAL_JOB_ID.json

for epoch in 1 2 3; do
    sleep "${TRIAL_SECONDS:-0.3}"
    nnmeter-bridge trial report --intermediate "$(awk "BEGIN { print 1 - 1 / ($latency + $epoch) }")"
done
score=$(awk "BEGIN { print 1 - 1 / ($latency + 3) }")
nnmeter-bridge trial report --final "{\"default\": $score, \"latency_ms\": $latency}"
