#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Ansible module on top of the JSON that relayhost prints. It decides nothing itself."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: relayhost
short_description: Send a server's mail through a relay service
description:
  - Points Postfix at a relay service as one transaction that proves delivery, and puts everything back if the proof fails.
  - Runs the program C(relayhost), which has to be on the server; the role C(relayhost.mail.relay) brings it.
  - In check mode nothing is changed, and the differences are those of C(relayhost setup --dry-run).
version_added: 0.1.0
author: The relayhost developers (@relayhost)
options:
  state:
    description:
      - C(present) sets the server up, and does nothing where it is set up so already.
      - C(absent) takes everything back, as if relayhost had never been there.
      - C(verified) proves the setup that is there and changes nothing; it fails where the proof fails.
    type: str
    choices: [present, absent, verified]
    default: present
  relay:
    description: Service of C(relayhost relays), or a catalogue file on the server. Kept from the last setup if left out.
    type: str
  region:
    description: Region of the service.
    type: str
  smarthost:
    description: A relay that is in no catalogue, by host name. Needs I(port).
    type: str
  port:
    description: Submission port, or C(auto) for the first that gets through.
    type: str
  username:
    description: User name at the service, together with I(password) or I(secret_access_key).
    type: str
  password:
    description: Password at the service. Kept from the last setup if left out. It reaches the server's relayhost on standard input.
    type: str
  secret_access_key:
    description: For Amazon SES in place of I(password), which is derived from it on the server.
    type: str
  credentials_file:
    description: A file on the server, in place of I(username), I(password) and I(secret_access_key).
    type: path
  from:
    description: Address that mail of the server is sent from.
    type: str
    aliases: [sender]
  to:
    description: Recipient of the test message. The address of I(from) if left out.
    type: str
  root_to:
    description: Address that mail for root is sent to.
    type: str
  direct:
    description: Recipient domains that go on past the relay.
    type: list
    elements: str
  queue:
    description: What happens to mail that waits already.
    type: str
    choices: [send, hold]
    default: send
  ca_file:
    description: CA file on the server that the relay's certificate is verified with.
    type: path
  fingerprint:
    description: SHA-256 fingerprint of the relay's certificate in place of a CA.
    type: str
  map_type:
    description: Lookup table type. What the server's Postfix prefers if left out.
    type: str
  install:
    description: Install Postfix where it is missing.
    type: bool
    default: true
  replace_mta:
    description: Install Postfix in place of another mail server.
    type: bool
    default: false
  verify:
    description: Prove delivery before and after the change.
    type: bool
    default: true
  send:
    description: With I(state=verified), send a test message as well.
    type: bool
    default: false
  force:
    description: Go on where another tool manages the server's mail, and with I(state=absent) over edits of others.
    type: bool
    default: false
  config_dir:
    description: Postfix configuration directory.
    type: path
  timeout:
    description: Limit for the whole run, in seconds, installing aside.
    type: int
    default: 120
  executable:
    description: The program, by name or path.
    type: str
    default: relayhost
"""

EXAMPLES = r"""
- name: Mail goes out through Amazon SES
  relayhost.mail.relayhost:
    relay: ses
    region: eu-west-1
    from: app@example.com
    username: "{{ vault_smtp_username }}"
    password: "{{ vault_smtp_password }}"

- name: Rotate the password, keep all else
  relayhost.mail.relayhost:
    username: "{{ vault_smtp_username }}"
    password: "{{ vault_smtp_password }}"

- name: Routes and fallbacks are in the file
  ansible.builtin.copy:
    src: relayhost.toml
    dest: /etc/relayhost/relayhost.toml
    mode: "0644"

- name: What the file says, and no option beside it
  relayhost.mail.relayhost: {}

- name: The setup still holds
  relayhost.mail.relayhost:
    state: verified

- name: As if it had never been there
  relayhost.mail.relayhost:
    state: absent
"""

RETURN = r"""
result:
  description: What relayhost says it has done.
  returned: always
  type: str
  sample: applied
relay:
  description: Id of the service.
  returned: state=present
  type: str
  sample: ses
host:
  description: Host name of the relay.
  returned: state=present
  type: str
  sample: email-smtp.eu-west-1.amazonaws.com
port:
  description: Submission port.
  returned: state=present
  type: int
  sample: 587
routes:
  description: Routes of relayhost.toml, the default first, each with senders and hops; empty where there is one relay only.
  returned: state=present
  type: list
  elements: dict
change_id:
  description: Id of the change, for C(relayhost rollback --to).
  returned: when something was changed
  type: str
files:
  description: Files that are, or would be, written.
  returned: state=present
  type: list
  elements: dict
changes:
  description: Ids of the changes that are, or would be, undone.
  returned: state=absent
  type: list
  elements: str
findings:
  description: What the checks have found.
  returned: state=verified
  type: list
  elements: dict
hint:
  description: What to do about the failure.
  returned: failure
  type: str
"""

import json

from ansible.module_utils.basic import AnsibleModule

# Options of the module that are a flag of setup with a value.
VALUES = ["relay", "region", "smarthost", "port", "from", "to", "root_to", "queue", "ca_file", "fingerprint", "map_type"]
# ... and those that are a flag alone.
SWITCHES = ["replace_mta", "force"]


def flag(option):
    return "--" + option.replace("_", "-")


class Relayhost(object):
    def __init__(self, module):
        self.module = module
        self.params = module.params
        self.program = module.get_bin_path(self.params["executable"], opt_dirs=["/usr/local/bin"])

    def run(self, words, stdin=None):
        """Runs a command and returns its exit code, its document ({} without one) and its complaints."""
        args = [self.program] + words + ["--json", "--timeout", "%ds" % self.params["timeout"]]
        if self.params["config_dir"]:
            args += ["--config-dir", self.params["config_dir"]]
        code, out, err = self.module.run_command(args, data=stdin, binary_data=True, environ_update={"LC_ALL": "C", "NO_COLOR": "1"})
        try:
            doc = json.loads(out)
        except ValueError:
            doc = {}
        return code, doc, err

    def fail(self, code, doc, err, **more):
        lines = [line.partition("relayhost: ")[2] or line for line in err.splitlines()]
        said = [line.partition("error: ")[2] for line in lines if line.startswith("error: ")]
        hints = [line.partition("hint: ")[2] for line in lines if line.startswith("hint: ")]
        self.module.fail_json(
            msg=doc.get("error") or "; ".join(said) or err or "relayhost ended with exit code %d" % code,
            hint=doc.get("hint") or "; ".join(hints),
            result=doc.get("result", "failed"),
            rc=code,
            stderr=err,
            **more
        )

    def credentials(self):
        """The two lines for standard input, or None where none are given."""
        lines = [(key, self.params[key]) for key in ("username", "password", "secret_access_key") if self.params[key]]
        if [key for key, _value in lines] == ["username"]:
            self.module.fail_json(msg="username is given without password or secret_access_key")
        if not lines:
            return None
        return "".join("%s=%s\n" % line for line in lines)

    def present(self):
        words = ["setup", "--yes", "--install" if self.params["install"] else "--no-install"]
        for option in VALUES:
            if self.params[option] is not None:
                words += [flag(option), self.params[option]]
        for option in SWITCHES:
            if self.params[option]:
                words.append(flag(option))
        for domain in self.params["direct"] or []:
            words += ["--direct", domain]
        if not self.params["verify"]:
            words.append("--no-verify")
        stdin = self.credentials()
        if stdin is not None:
            words += ["--credentials-file", "-"]
        elif self.params["credentials_file"]:
            words += ["--credentials-file", self.params["credentials_file"]]
        if self.module.check_mode:
            words.append("--dry-run")
        code, doc, err = self.run(words, stdin)
        if code != 0 or not doc:
            self.fail(code, doc, err)
        touched = [f for f in doc["files"] if f["action"] != "none"]
        out = dict((key, doc[key]) for key in ("result", "relay", "host", "port", "tls", "change_id", "commands"))
        out["routes"] = doc.get("routes", [])
        out["files"] = [dict(path=f["path"], action=f["action"]) for f in touched]
        out["changed"] = doc["result"] == "applied" or (self.module.check_mode and bool(touched))
        if out["changed"]:
            out["diff"] = dict(prepared="".join(f["diff"] for f in touched))
        self.module.exit_json(**out)

    def absent(self):
        code, doc, err = self.run(["rollback", "--list"])
        if code != 0 or not doc:
            self.fail(code, doc, err)
        changes = [c["id"] for c in doc["changes"]]
        files = sorted(set(f["path"] for c in doc["changes"] for f in c["files"]))
        if changes and not self.module.check_mode:
            words = ["rollback", "--all", "--yes"] + (["--force"] if self.params["force"] else [])
            code, doc, err = self.run(words)
            if code != 0 or not doc:
                self.fail(code, doc, err)
        out = dict(changed=bool(changes), result=doc["result"], changes=changes)
        if changes:
            out["diff"] = dict(prepared="".join("restored as it was before relayhost: %s\n" % f for f in files))
        self.module.exit_json(**out)

    def verified(self):
        code, doc, err = self.run(["verify"] + ([] if self.params["send"] and not self.module.check_mode else ["--no-send"]))
        if code != 0 or not doc:
            failed = [f for f in doc.get("findings", []) if f["result"] == "fail"]
            if failed:
                doc["error"] = "; ".join("%s: %s" % (f["check"], f["detail"]) for f in failed)
                doc["hint"] = "; ".join(f["remedy"] for f in failed if f.get("remedy"))
            self.fail(code, doc, err, findings=doc.get("findings", []))
        warnings = ["%s: %s" % (f["check"], f["detail"]) for f in doc["findings"] if f["result"] == "warn"]
        self.module.exit_json(changed=False, result=doc["result"], findings=doc["findings"], warnings=warnings)


def main():
    module = AnsibleModule(
        argument_spec={
            "state": dict(type="str", choices=["present", "absent", "verified"], default="present"),
            "relay": dict(type="str"),
            "region": dict(type="str"),
            "smarthost": dict(type="str"),
            "port": dict(type="str"),
            # With some services the user name is the secret.
            "username": dict(type="str", no_log=True),
            "password": dict(type="str", no_log=True),
            "secret_access_key": dict(type="str", no_log=True),
            "credentials_file": dict(type="path"),
            "from": dict(type="str", aliases=["sender"]),
            "to": dict(type="str"),
            "root_to": dict(type="str"),
            "direct": dict(type="list", elements="str"),
            "queue": dict(type="str", choices=["send", "hold"], default="send"),
            "ca_file": dict(type="path"),
            "fingerprint": dict(type="str"),
            "map_type": dict(type="str"),
            "install": dict(type="bool", default=True),
            "replace_mta": dict(type="bool", default=False),
            "verify": dict(type="bool", default=True),
            "send": dict(type="bool", default=False),
            "force": dict(type="bool", default=False),
            "config_dir": dict(type="path"),
            "timeout": dict(type="int", default=120),
            "executable": dict(type="str", default="relayhost"),
        },
        mutually_exclusive=[
            ("relay", "smarthost"),
            ("password", "secret_access_key", "credentials_file"),
            ("username", "credentials_file"),
        ],
        required_by={"smarthost": ("port",)},
        supports_check_mode=True,
    )
    host = Relayhost(module)
    if host.program is None:
        if module.check_mode and module.params["state"] == "present":
            module.exit_json(changed=True, result="dry_run", warnings=["relayhost is not on this server yet: its differences cannot be shown"])
        if module.params["state"] == "absent":
            module.exit_json(changed=False, result="nothing_to_do", changes=[])
        module.fail_json(msg="%s is not on this server" % module.params["executable"], hint="the role relayhost.mail.relay installs it")
    getattr(host, module.params["state"])()


if __name__ == "__main__":
    main()
