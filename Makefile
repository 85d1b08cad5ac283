# SPDX-License-Identifier: GPL-2.0
# Tandem: what people type. The modules' own rules are in Kbuild.
TEST ?=
SHELL := /bin/bash

.PHONY: help run check bench soak lint modules modules-6.1 modules-unstable guest-kernel setup install uninstall clean

help:
	@sed -n 's/^## //p' $(MAKEFILE_LIST)

## make run               install, build, boot Xen, and log in to the article's guest
run:
	@scripts/run

## make setup             only what run and check prepare (scripts/setup explains)
setup:
	@scripts/setup

## make check [TEST=name] all tests, or those of that name or with it in their names
check: setup modules
	@BUILD_FIRST=no scripts/check $(TEST)

## make bench             figures: ours against the kernel's own drivers
bench: setup modules
	@tests/bench/run

## make soak              the long tests
soak: setup modules
	@BUILD_FIRST=no scripts/check --soak $(TEST)

## make lint              checkpatch, sparse, Coccinelle, kernel-doc, shellcheck
lint:
	@scripts/setup host platform guest-source
	@scripts/lint

## make modules           the modules for Linux 6.12 (also modules-6.1, modules-unstable)
modules:
	@scripts/modules 6.12

modules-6.1:
	@scripts/modules 6.1

modules-unstable:
	@scripts/modules unstable

## make guest-kernel      the guest kernels of the lab
guest-kernel:
	@scripts/guest-kernel --build

## make install           on a dom0: modules by DKMS, modprobe.d, hotplug script, commands
install:
	@scripts/install

## make uninstall         take all of that away again
uninstall:
	@scripts/uninstall

## make clean             forget everything built
clean:
	rm -rf build
