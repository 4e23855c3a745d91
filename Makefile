# Every target of the project. Needed: Go 1.26, Node 20 and make; tools are
# pinned in .ci/tools and built on first use. `make` lists the targets.

.DEFAULT_GOAL := help
SHELL         := /bin/sh
TOOLS         := .ci/bin

# Only `make test` needs cgo (for -race) and says so itself.
GO := CGO_ENABLED=0 go

# $(call flag,GATEWAYS,gateways) is --gateways=4 where GATEWAYS=4 was given.
flag = $(if $($(1)),--$(2)=$($(1)))
local_flags = $(call flag,GATEWAYS,gateways) $(call flag,WORKERS,workers) $(call flag,PORT,port)
demo_flags  = $(call flag,DATA,data) $(call flag,USERS,users) $(call flag,RATE,rate)

# Some shells export a NAME of their own: it counts only as `make example NAME=`.
ifneq ($(origin NAME),command line)
NAME :=
endif

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

# Asked for before the first go command, because a shell's "not found" helps nobody.
.PHONY: has-go
has-go:
	@command -v go >/dev/null || { echo "no go command: install Go 1.26, https://go.dev/dl" >&2; exit 1; }

.PHONY: build
build: page ## build every program into ./bin, with the page in parley-api
	$(GO) build -trimpath -o bin/ work

.PHONY: page
page: bin/parley-local ## build the page of the chat, if it has changed
	@bin/parley-local page

.PHONY: run
run: bin/parley-local ## start the chat on this machine until Ctrl-C (GATEWAYS=4 WORKERS=3 PORT=8282 DATA=data; LAN=1: for your phone; WORKERS=0: bring your own)
	@bin/parley-local run $(local_flags) $(call flag,DATA,data) $(if $(filter-out 0,$(LAN)),--lan)

.PHONY: demo-traffic
demo-traffic: bin/parley-demo ## let bots talk in a running `make run` until Ctrl-C (USERS=20 RATE=40)
	@bin/parley-demo traffic $(demo_flags)

.PHONY: demo-kill
demo-kill: bin/parley-demo ## the same, while workers and gateways are killed for ten seconds; then count what was lost
	@bin/parley-demo kill $(demo_flags)

.PHONY: screenshots
screenshots: ## take the picture of the README from a running `make run` with fresh data
	@cd deploy/browser && npm ci --silent && node screenshots.mjs ../../$(or $(DATA),data) ../../docs/page.png

.PHONY: example
example: bin/parley-local ## start one example worker behind two gateways (NAME=swooleim PORT=8282)
	@bin/parley-local example $(call flag,NAME,name) $(local_flags)

.PHONY: test
test: ## run all tests that need no service (TESTFLAGS="-run X")
	@.ci/test $(TESTFLAGS)

.PHONY: verify
verify: bin/parley-verify ## kill, freeze and cut off real processes, then count what was lost (a few minutes)
	@bin/parley-verify $(VERIFYFLAGS)

.PHONY: verify-long
verify-long: bin/parley-verify ## the same for a long time, with every fault of the schedule
	@bin/parley-verify --long $(VERIFYFLAGS)

.PHONY: bench
bench: $(TOOLS)/benchstat ## run the benchmarks into bin/bench.txt (BENCH=regexp COUNT=6 BASE=old.txt)
	@.ci/bench "$(BENCH)" "$(COUNT)" "$(BASE)"

.PHONY: fuzz
fuzz: ## run every fuzz target for a short time (FUZZTIME=10s)
	@.ci/fuzz $(FUZZTIME)

.PHONY: generate
generate: $(TOOLS)/buf $(TOOLS)/protoc-gen-go $(TOOLS)/protoc-gen-parley ## write anew what the protos say: Go code, TypeScript types, the OpenAPI document
	$(TOOLS)/buf generate

.PHONY: fmt
fmt: $(TOOLS)/buf ## format Go code and protos
	gofmt -w $$(.ci/modules) .ci/checks
	$(TOOLS)/buf format -w

.PHONY: tidy
tidy: ## make all go.mod files tidy and agree (after go get)
	@for m in $$(.ci/modules); do GOWORK=off go -C $$m mod tidy || exit 1; done
	@go work sync
	@for m in $$(.ci/modules); do GOWORK=off go -C $$m mod tidy || exit 1; done

.PHONY: lint
lint: $(TOOLS)/golangci-lint $(TOOLS)/buf ## lint Go code and protos
	$(TOOLS)/golangci-lint run $$(.ci/modules | sed 's,$$,/...,')
	$(TOOLS)/buf lint

.PHONY: check
check: ## run every static check, as CI does
	@.ci/run static

.PHONY: ci
ci: ## run the whole CI (some 35 minutes on two cores)
	@.ci/run

.PHONY: clean
clean: ## remove what was built here; Go's caches stay
	rm -rf bin $(TOOLS)

# These build the rest of what they start by themselves. Go knows when there
# is nothing to do, so they are asked for each time.
.PHONY: bin/parley-local bin/parley-demo bin/parley-verify
bin/parley-local bin/parley-demo bin/parley-verify: has-go
	@test -e $@ || echo "building $@ (the first time fetches what it needs)"
	@mkdir -p bin
	@$(GO) build -trimpath -o $@ ./deploy/cmd/$(@F)

$(TOOLS)/buf: .ci/tools/install $(wildcard .ci/tools/buf/*.json)
	@.ci/tools/install .ci/tools/buf $(TOOLS)

$(TOOLS)/protoc-gen-go: .ci/tools/install $(wildcard .ci/tools/protoc/go.*)
	@.ci/tools/install .ci/tools/protoc $(TOOLS)

# A plugin of ours, so it is built from the tree each time.
.PHONY: $(TOOLS)/protoc-gen-parley
$(TOOLS)/protoc-gen-parley: has-go
	@mkdir -p $(TOOLS)
	@$(GO) build -trimpath -o $@ ./api/cmd/protoc-gen-parley

$(TOOLS)/golangci-lint: .ci/tools/install $(wildcard .ci/tools/lint/go.*)
	@.ci/tools/install .ci/tools/lint $(TOOLS)

$(TOOLS)/benchstat: .ci/tools/install $(wildcard .ci/tools/bench/go.*)
	@.ci/tools/install .ci/tools/bench $(TOOLS)
