"""A Locust master for workers of poolproof.

    poolproof locustfile > locustfile.py
    locust --master -f locustfile.py --scenario mine.yaml --expect-workers 2
    poolproof worker --locust HOST:5557        # on each machine

The master assigns the scenario and a shard of its users to each worker. It counts the workers' reports in
Locust's tables and keeps the newest state of each worker. When a test ends, it writes the states to
OUT/shards/shard-INDEX.json, merges them with `poolproof merge`, and exits with the merge's exit code.
"""

import logging
import os
import shutil
import subprocess
import sys
import time
import uuid

import gevent
from locust import User, constant, events, runners, task
from locust.runners import STATE_RUNNING, STATE_SPAWNING, MasterRunner

# The version of the messages between this file and the workers.
PROTOCOL = 1
# A worker that comes back knows by this whether its test still exists.
SESSION = uuid.uuid4().hex
# Seconds after which the shard of a silent worker is given to another.
SILENT = 300
# Heartbeats that may be missing. Locust's 3 would end a test when the network loses packets for a few seconds.
runners.HEARTBEAT_LIVENESS = 15

logger = logging.getLogger("poolproof")


class Poolproof(User):
    """One user: a rate of arrivals in open scenarios, one loop in closed ones. Workers of poolproof do it."""

    wait_time = constant(1)

    @task
    def sign_in(self):
        """Workers of poolproof need no Python."""


@events.init_command_line_parser.add_listener
def add_options(parser):
    def add(flag, text, web=False, **options):
        variable = "POOLPROOF_" + flag.removeprefix("--").removeprefix("poolproof-").replace("-", "_").upper()
        parser.add_argument(flag, help=text, include_in_web_ui=web, env_var=variable, **options)

    add("--scenario", "The scenario file. Its stages are not used.", metavar="FILE")
    add("--set", "A key of the scenario to set; repeatable.", metavar="KEY=VALUE", action="append", default=[])
    add("--target", "The endpoint to sign in to; without it each worker has a pool.", metavar="URL")
    add("--rate-per-user", "Arrivals per second of one user in an open scenario.", True, type=float, default=1.0)
    add("--poolproof-shards", "The number of shards [default: --expect-workers].", type=int)
    add("--poolproof-out", "The folder for shards and reports.", metavar="DIR", default="reports/locust")
    add("--poolproof-format", "The reports to write, as in `poolproof run`.", default="html,json")
    add("--poolproof-drain", "Seconds that workers get to finish their sign-ins.", type=float, default=20.0)
    add("--poolproof", "The program of this file's version.", metavar="PROGRAM", default="poolproof")


@events.init.add_listener
def start(environment, **_):
    options = environment.parsed_options
    if not isinstance(environment.runner, MasterRunner):
        sys.exit("poolproof: this file is for a master: add --master, and start workers with `poolproof worker`")
    if not options.scenario:
        sys.exit("poolproof: name a scenario with --scenario FILE")
    try:
        with open(options.scenario, encoding="utf-8") as file:
            scenario = file.read()
        version = subprocess.run([options.poolproof, "--version"], capture_output=True, text=True, check=True)
    except (OSError, UnicodeDecodeError, subprocess.CalledProcessError) as error:
        sys.exit(f"poolproof: {error}")
    Master(environment, scenario, version.stdout.split()[-1])


class Master:
    """Assigns shards, counts reports, and merges states."""

    def __init__(self, environment, scenario, version):
        self.environment, self.runner = environment, environment.runner
        self.options = environment.parsed_options
        self.scenario, self.version = scenario, version
        self.shards = self.options.poolproof_shards or self.options.expect_workers
        # By worker: its shard, when it was heard last, the number of its last report, and that report.
        self.assigned, self.heard, self.counted, self.reports = {}, {}, {}, {}
        # The tests of this master are numbered.
        self.options.poolproof_test = 0
        self.running = self.ending = False
        self.runner.register_message("poolproof_hello", self.on_hello)
        self.runner.register_message("poolproof_report", self.on_report)
        environment.events.test_start.add_listener(self.on_test_start)
        environment.events.test_stopping.add_listener(self.on_test_stopping)
        environment.events.test_stop.add_listener(self.on_test_stop)

    def on_hello(self, msg, **_):
        """Answers a worker that asks what to run."""
        node, known = msg.node_id, msg.data["session"] == SESSION
        self.heard[node] = time.monotonic()
        answer = {"protocol": PROTOCOL, "session": SESSION}
        shard = self.shard_of(node)
        if msg.data["version"] != self.version:
            answer["error"] = (
                f"the master has poolproof {self.version} and this worker is {msg.data['version']}: "
                "use one version, because their shards are merged"
            )
        elif shard is None:
            answer["error"] = (
                f"all {self.shards} shards have workers: start the master with --poolproof-shards of at least "
                "the number of workers"
            )
        elif not known and self.running and node in self.reports:
            answer["wait"] = f"shard {shard} has run in this test; the worker joins the next one"
        else:
            answer |= {
                "test": self.options.poolproof_test if self.running else None,
                "shard": shard,
                "shards": self.shards,
                "file": self.options.scenario,
                "scenario": self.scenario,
                "set": self.options.set,
                "target": self.options.target,
            }
        if not known:
            # A new process numbers its reports from 1.
            self.counted.pop(node, None)
        self.runner.send_message("poolproof_assignment", answer, client_id=node)
        if known and self.running and self.ending:
            # It may have missed this message.
            self.runner.send_message("poolproof_finish", client_id=node)

    def shard_of(self, node):
        """Returns the shard of a worker; None if there is none left."""
        if node not in self.assigned:
            free = set(range(self.shards)) - set(self.assigned.values())
            for other in list(self.assigned):
                silent = time.monotonic() - self.heard[other] > SILENT
                if not free and silent and other not in self.runner.clients and not (self.running and other in self.reports):
                    free.add(self.assigned.pop(other))
            if not free:
                return None
            self.assigned[node] = min(free)
        return self.assigned[node]

    def on_report(self, msg, **_):
        """Counts a report once, however often it arrives: a worker sends it until it is acknowledged."""
        node, report = msg.node_id, msg.data
        self.heard[node] = time.monotonic()
        number = report["sequence"]
        if report["test"] == self.options.poolproof_test and number > self.counted.get(node, 0):
            self.counted[node], self.reports[node] = number, report
            self.environment.events.worker_report.fire(client_id=node, data=report["stats"])
            if report["aborted"] and not self.ending:
                logger.error(f"A threshold of {node} (shard {report['shard']}) ends the test.")
                self.ending = True
                gevent.spawn(self.runner.quit if self.options.headless else self.runner.stop)
        self.runner.send_message("poolproof_ack", {"sequence": number}, client_id=node)

    def on_test_start(self, **_):
        self.options.poolproof_test += 1
        self.running, self.ending, self.reports = True, False, {}

    def on_test_stopping(self, **_):
        """Waits for the last reports, which come after the sign-ins in flight."""
        self.ending = True

        def unfinished():
            active = [one.id for one in self.runner.clients.all if one.state in (STATE_RUNNING, STATE_SPAWNING)]
            return [node for node in active if not self.reports.get(node, {}).get("last")]

        for node in unfinished():
            self.runner.send_message("poolproof_finish", client_id=node)
        deadline = time.monotonic() + self.options.poolproof_drain
        while unfinished() and time.monotonic() < deadline:
            gevent.sleep(0.05)

    def on_test_stop(self, **_):
        """Writes and merges the states of the test."""
        self.running = False
        folder = os.path.join(self.options.poolproof_out, "shards")
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        for node, report in self.reports.items():
            if not report["last"]:
                logger.error(f"{node} (shard {report['shard']}) sent no last report; its last state counts.")
            with open(os.path.join(folder, f"shard-{report['shard']}.json"), "wb") as file:
                file.write(report["state"])
        if not self.reports:
            logger.error("No worker sent a report; there is nothing to merge.")
            self.environment.process_exit_code = 107
            return
        command = [self.options.poolproof, "merge", folder, "--allow-missing"]
        command += ["--out", self.options.poolproof_out, "--format", self.options.poolproof_format]
        logger.info(f"Merging: {' '.join(command)}")
        self.environment.process_exit_code = subprocess.run(command).returncode
