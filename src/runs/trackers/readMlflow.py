"""Reads a run with MLflow's own Python client and prints it as JSON: readMlflow.py ADDRESS EXPERIMENT."""

import base64
import json
import os
import sys
import tempfile

os.environ["MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"] = "false"

from mlflow.tracking import MlflowClient

address, experiment = sys.argv[1:]
client = MlflowClient(address)
runs = client.search_runs([client.get_experiment_by_name(experiment).experiment_id])


def files(run, path=None):
    for item in client.list_artifacts(run.info.run_id, path):
        if item.is_dir:
            yield from files(run, item.path)
        else:
            yield item.path


def content(run, path):
    with tempfile.TemporaryDirectory() as folder:
        with open(client.download_artifacts(run.info.run_id, path, folder), "rb") as file:
            return base64.b64encode(file.read()).decode()


print(
    json.dumps(
        [
            {
                "id": run.info.run_id,
                "name": run.info.run_name,
                "status": run.info.status,
                "seconds": (run.info.end_time - run.info.start_time) / 1000 if run.info.end_time else None,
                "params": run.data.params,
                "tags": run.data.tags,
                "metrics": {
                    key: [[metric.step, str(metric.value)] for metric in client.get_metric_history(run.info.run_id, key)]
                    for key in run.data.metrics
                },
                "artifacts": {path: content(run, path) for path in files(run)},
            }
            for run in runs
        ]
    )
)
