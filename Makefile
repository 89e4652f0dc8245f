# One command for each thing one does here. Anything longer than a line is in scripts/.
ANSIBLE_PLAYBOOK := .venv/bin/ansible-playbook
LABCTL := roles/lab/files/labctl
VMCTL := roles/lab/files/vmctl

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-thorough lint bench lab lab-down lab-status lab-kernel lab-kernel-down test-kernel test-attack test-faults docs

help:  ## this list
	@sed -n 's/^\([a-z][a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 24

setup:  ## what a checkout needs: Debian packages, .venv, .collections
	@scripts/setup.sh

demo: setup  ## two clouds, a VPN between them, and the proof (root)
	@scripts/demo.sh

test: setup  ## the tests, without those that show again what others show (root, for the lab)
	@scripts/test.sh

test-thorough: setup  ## all tests (root, for the lab)
	@THOROUGH=1 scripts/test.sh

lint: setup  ## ruff, mypy, yamllint, ansible-lint
	@scripts/lint.sh

docs: setup  ## the documentation site, build/site/index.html
	@scripts/docs.sh

bench: setup  ## what planning costs, and how that grows; what hosts cost that a run does not concern; leases; other collections; a packet (root)
	@.venv/bin/python tests/bench/bench_plan.py
	@.venv/bin/python tests/bench/bench_hosts.py
	@.venv/bin/python tests/bench/bench_leases.py
	@.venv/bin/python tests/bench/bench_peers.py
	@.venv/bin/python tests/bench/bench_packets.py
	@[ -z "$(OUTAGE)" ] || tests/bench/outage.sh $(OUTAGE)

lab: setup  ## make or repair the lab (root); CLOUDS=3 for another number of clouds
	@$(ANSIBLE_PLAYBOOK) -i inventories/lab playbooks/lab_up.yml $(if $(CLOUDS),-e lab_clouds=$(CLOUDS))

# Not by Ansible: it has to work when .venv does not.
lab-down:  ## remove the lab, whatever state it is in (root)
	@$(LABCTL) down

lab-kernel:  ## the same lab in a virtual machine with Debian's own kernel (root); CLOUDS=3 for another number of clouds
	@scripts/setup.sh kernel
	@$(ANSIBLE_PLAYBOOK) -i inventories/lab-kernel playbooks/lab_up.yml $(if $(CLOUDS),-e lab_clouds=$(CLOUDS))

lab-kernel-down:  ## remove it, whatever state it is in (root)
	@$(VMCTL) down

test-kernel:  ## what holds with kernel IPsec: crashes, reboots, a lossy network (root; slow under emulation)
	@scripts/setup.sh kernel
	@scripts/test-kernel.sh

test-attack: setup  ## attacks on the lab's VPNs, each of which has to fail (root; a lab of its own)
	@scripts/test-attack.sh

test-faults: setup  ## what a node does when it is killed, its state is damaged, its disk is full; killed runs (root; a lab of its own)
	@scripts/test-faults.sh

lab-status:  ## which machines there are, and how to reach them
	@$(LABCTL) status
