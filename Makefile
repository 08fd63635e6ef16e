# `make run` and `make test` are all a newcomer needs; `make help` lists the rest.

SHELL := /bin/bash
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
export LINT_VENV := .venv-lint
BINARY := .build/release/fibonacci-api
# Tests against real servers take turns, after the others: long computations would keep them from noticing what happens in time.
PEER_TESTS := ^(RedisClientTests|RateLimitingTests|OTLPTracingTests)\.
# What tests run against, each with the package that has it: a program, or a file by its path.
TEST_PEERS := redis-server:redis-server redis-cli:redis-tools promtool:prometheus openssl:openssl objdump:binutils \
	$(if $(filter x86_64,$(shell uname -m)),qemu-x86_64:qemu-user)
NJS := /usr/lib/nginx/modules/ngx_http_js_module.so
PEERS := $(TEST_PEERS) prometheus-redis-exporter:prometheus-redis-exporter amtool:prometheus-alertmanager haproxy:haproxy nginx:nginx \
	$(if $(shell command -v apt-get),$(NJS):libnginx-mod-http-js) varnishd:varnish curl:curl kubectl:kubernetes-client
# What Debian starts when it installs a peer. The tests start their own, on other ports.
PEER_SERVICES := redis-server:redis-server prometheus-redis-exporter:prometheus-redis-exporter promtool:prometheus amtool:prometheus-alertmanager \
	haproxy:haproxy nginx:nginx varnishd:varnish varnishd:varnishncsa
# What images and their labels say of themselves. The commit's time, so that a build can be done again.
image image-test image-backup compose-up: export VERSION ?= $(shell sed -n 's/.*static let version = "\(.*\)"/\1/p' Sources/FibonacciAPI/Application/BuildInformation.swift)
image image-test image-backup compose-up: export REVISION ?= $(shell git rev-parse HEAD 2>/dev/null || echo unknown)
image image-test image-backup compose-up: export CREATED ?= $(shell git log -1 --format=%cI 2>/dev/null || echo unknown)
DOCKER_BUILD := docker build --build-arg VERSION --build-arg REVISION --build-arg CREATED
COMPOSE := docker compose --file compose.yml $(if $(LOGGING),--file compose.logging.yml)
MESSAGES := Sources/OTLPTracing/Export/Messages
CHART := deploy/helm/fibonacci-api

# Sanitizers say more with the toolchain's symbolizer.
SYMBOLIZER := $(wildcard $(dir $(realpath $(shell command -v swift)))llvm-symbolizer)
SYMBOLIZED := $(if $(SYMBOLIZER),external_symbolizer_path=$(SYMBOLIZER))
MUTEX_EVENTS := .build-tsan/MutexEvents.o
TSAN := --sanitize thread --scratch-path .build-tsan $(if $(filter Linux,$(shell uname)),-Xlinker $(CURDIR)/$(MUTEX_EVENTS))
ASAN := --sanitize address --scratch-path .build-asan
# Measures the memory of the process, which is mostly the sanitizer's.
ASAN_SKIP := MemoryStoreTests/manyClients

FUZZERS := $(sort $(notdir $(wildcard Fuzz/Corpus/*)))
# For each fuzzer. What it finds goes to Fuzz/Findings, what is new but sound to Fuzz/New.
FUZZ_SECONDS ?= 20
# Optimized, for thousands of inputs a second, with every assertion.
FUZZ_FLAGS := --sanitize fuzzer -Xswiftc -O -Xswiftc -assert-config -Xswiftc Debug
FUZZ_LIMITS := -max_len=4096 -timeout=5 -rss_limit_mb=2048
# Swift's own handler of traps would keep libFuzzer from writing down what trapped.
FUZZ_RUN := SWIFT_BACKTRACE=enable=no Fuzz/.build/debug

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: build ## Build and start the service on http://localhost:8000
	LOG_FORMAT=$${LOG_FORMAT:-text} $(BINARY) serve

.PHONY: build
build: ## Build the release binary
	swift build --configuration release --product fibonacci-api

.PHONY: peers test-peers
peers: ## Install what the tests run against (Debian, Ubuntu): Redis, Prometheus, HAProxy, nginx, Varnish, kubectl, …
test-peers: PEERS = $(TEST_PEERS)
# Only packages of what is missing: another package may have brought the rest.
peers test-peers:
	@PATH=$$PATH:/usr/sbin; missing=; packages=; for pair in $(PEERS); do peer=$${pair%:*}; \
	command -v $$peer >/dev/null || [ -e $$peer ] || { missing="$$missing $$peer"; packages="$$packages $${pair#*:}"; }; done; \
	[ -z "$$missing" ] && exit 0; echo "installing what has:$$missing"; \
	command -v apt-get >/dev/null || { echo "install these yourself: no apt-get here" >&2; exit 1; }; \
	sudo=; [ "$$(id -u)" = 0 ] || sudo=sudo; \
	$$sudo apt-get update --quiet=2 && \
	$$sudo apt-get install --quiet=2 --no-install-recommends --yes $$packages >/dev/null && \
	for pair in $(PEER_SERVICES); do case "$$missing " in *" $${pair%:*} "*) \
	if [ -d /run/systemd/system ]; then $$sudo systemctl disable --quiet --now $${pair#*:}; \
	else $$sudo service $${pair#*:} stop; fi >/dev/null 2>&1 || true;; esac; done

.PHONY: test
test: test-peers ## Run the unit tests
	swift test --skip '$(PEER_TESTS)'
	swift test --skip-build --no-parallel --filter '$(PEER_TESTS)'

.PHONY: tsan
tsan: test-peers $(MUTEX_EVENTS) ## Run the unit tests under Thread Sanitizer
	TSAN_OPTIONS=$(SYMBOLIZED) swift test $(TSAN) --skip '$(PEER_TESTS)'
	TSAN_OPTIONS=$(SYMBOLIZED) swift test $(TSAN) --skip-build --no-parallel --filter '$(PEER_TESTS)'

.PHONY: asan
asan: test-peers ## Run the unit tests under Address Sanitizer
	ASAN_OPTIONS=detect_leaks=0:$(SYMBOLIZED) swift test $(ASAN) --skip '$(PEER_TESTS)'
	ASAN_OPTIONS=detect_leaks=0:$(SYMBOLIZED) swift test $(ASAN) --skip-build --no-parallel --filter '$(PEER_TESTS)' \
		--skip '$(ASAN_SKIP)'

$(MUTEX_EVENTS): Tests/Sanitizers/MutexEvents.c
	@mkdir -p $(@D)
	clang -O1 -Wall -Wextra -Werror -c $< -o $@

.PHONY: fuzz-build
fuzz-build:
	swift build --package-path Fuzz $(FUZZ_FLAGS)

.PHONY: fuzz
fuzz: fuzz-build ## Run each fuzzer for FUZZ_SECONDS=20; FUZZERS="resp query" chooses
	@for name in $(FUZZERS); do \
		mkdir -p Fuzz/Findings/$$name Fuzz/New/$$name && \
		$(FUZZ_RUN)/fuzz-$$name -max_total_time=$(FUZZ_SECONDS) $(FUZZ_LIMITS) -print_final_stats=1 \
			-artifact_prefix=Fuzz/Findings/$$name/ Fuzz/New/$$name Fuzz/Corpus/$$name || exit 1; done

.PHONY: fuzz-keep
fuzz-keep: fuzz-build ## Add to the corpus the few inputs that the fuzzers found to reach more code
	@for name in $(FUZZERS); do \
		$(FUZZ_RUN)/fuzz-$$name -set_cover_merge=1 -use_counters=0 $(FUZZ_LIMITS) Fuzz/Corpus/$$name Fuzz/New/$$name && \
		rm -r Fuzz/New/$$name || exit 1; done

.PHONY: e2e
e2e: build peers $(VENV)/.installed ## Run the end-to-end tests against the release binary
	FIBONACCI_API_BINARY=$(CURDIR)/$(BINARY) $(VENV)/bin/pytest Tests/EndToEnd

.PHONY: drill
drill: build peers $(VENV)/.installed ## Restart processes and lose Redis under verified load; ARGS="--rate 500 --json FILE"
	FIBONACCI_API_BINARY=$(CURDIR)/$(BINARY) $(VENV)/bin/python Scripts/drill $(ARGS)

.PHONY: restore-drill
restore-drill: build peers ## Fill a Redis through the service, back it up, restore it elsewhere and compare; ARGS="--values 2000"
	FIBONACCI_API_BINARY=$(CURDIR)/$(BINARY) $(PYTHON) Scripts/restore-drill-demo $(ARGS)

.PHONY: image
image: ## Build the container image
	$(DOCKER_BUILD) --tag fibonacci-api:$(VERSION) --tag fibonacci-api:latest .

.PHONY: image-backup
image-backup: image ## Build the image of the jobs that back Redis up and drill the restore
	$(DOCKER_BUILD) --build-arg SERVICE_IMAGE=fibonacci-api:$(VERSION) --tag fibonacci-api-redis-backup:$(VERSION) deploy/redis/backup

.PHONY: image-test
image-test: ## Run the unit tests inside the image that the binary is built in
	$(DOCKER_BUILD) --target test .

.PHONY: compose-up
compose-up: ## Start the stack with Docker; LOGGING=1: with Loki and Fluent Bit
	$(COMPOSE) up --build --detach --wait
	@echo 'service     http://localhost:8000'
	@echo 'Prometheus  http://localhost:9090'
	@echo 'Grafana     http://localhost:3000 (admin/admin)'
	@echo 'Jaeger      http://localhost:16686'

.PHONY: compose-down
compose-down: ## Stop the stack; ARGS=--volumes forgets its data
	docker compose --file compose.yml --file compose.logging.yml down $(ARGS)

.PHONY: compose-logs
compose-logs: ## Follow the stack's logs; ARGS=api: of one service
	$(COMPOSE) logs --follow $(ARGS)

.PHONY: smoke
smoke: $(VENV)/.installed ## Check the stack that runs, or what runs without containers where there is no engine
	@if docker compose version >/dev/null 2>&1 && docker info >/dev/null 2>&1; then $(VENV)/bin/python Scripts/smoke; \
	else $(MAKE) --no-print-directory build peers && $(VENV)/bin/python Scripts/smoke --local; fi

.PHONY: chart
chart: $(VENV)/.installed ## Lint the Helm chart, and render it with each file of its ci/
	@PATH="$(CURDIR)/$(VENV)/bin:$$PATH"; $(VENV)/bin/python Scripts/chart_files.py check && \
	for values in $(CHART)/ci/*-values.yaml; do \
		helm lint --strict --quiet $(CHART) --values $$values && \
		helm template fibonacci-api $(CHART) --values $$values >/dev/null && echo "ok: $${values##*/}" || exit 1; done

.PHONY: chart-files
chart-files: $(VENV)/.installed ## Write the chart's table of values, and its links to rules and dashboards
	$(VENV)/bin/python Scripts/chart_files.py write

.PHONY: lint
lint: ## Check format, style, workflows, secrets and the lock file
	Scripts/lint

.PHONY: lint-tools
lint-tools: $(LINT_VENV)/.installed

.PHONY: format
format: lint-tools ## Rewrite sources in the project's format
	git ls-files -z --cached --others --exclude-standard '*.swift' | xargs -0 swift format --in-place --parallel
	$(LINT_VENV)/bin/ruff check --fix .
	$(LINT_VENV)/bin/ruff format .

.PHONY: lock
lock: ## Take the newest packages that Package.swift allows, and write them to dependencies.lock
	$(PYTHON) Scripts/dependencies.py write

.PHONY: lint-lock
lint-lock: lint-tools ## Write the linters' versions and hashes to Scripts/lint-requirements.txt
	cd Scripts && ../$(LINT_VENV)/bin/uv pip compile --quiet --generate-hashes --universal --python-version=3.11 \
		--output-file=lint-requirements.txt lint-requirements.in

.PHONY: bench-http
bench-http: build ## Measure a cached request next to nginx (needs nginx and wrk); ARGS=--flood: latency beside a flood
	$(PYTHON) Benchmarks/HTTP/bench_http.py --binary $(BINARY) $(ARGS)

.PHONY: bench-scale
bench-scale: build ## Measure 1, 2 and 4 processes behind HAProxy, each with 0.2 of a core (needs root, haproxy, redis-server, wrk)
	$(PYTHON) Benchmarks/HTTP/bench_scale.py --binary $(BINARY) $(ARGS)

.PHONY: bench-redis
bench-redis: peers ## Measure the Redis client next to redis-benchmark
	swift build --configuration release --product bench-redis
	$(PYTHON) Benchmarks/Redis/bench_redis.py --binary .build/release/bench-redis $(ARGS)

.PHONY: bench-redis-sizing
bench-redis-sizing: build peers ## Measure what values and buckets take in Redis; ARGS="--update deploy/redis/README.md" writes the tables
	$(PYTHON) Scripts/redis_sizing.py --binary $(BINARY) $(ARGS)

.PHONY: bench-engine
bench-engine: ## Measure F(n) next to GMP (needs libgmp-dev); ARGS="--update docs/performance.md" writes the table
	swift build --configuration release --package-path Benchmarks/Engine
	Benchmarks/Engine/.build/release/bench-engine $(ARGS)

.PHONY: proto
proto: ## Generate the messages of OTLP again (needs protoc, of protobuf-compiler)
	swift package resolve
	swift build --configuration release --package-path .build/checkouts/swift-protobuf --scratch-path .build/protoc-gen-swift \
		--product protoc-gen-swift
	protoc --plugin=.build/protoc-gen-swift/release/protoc-gen-swift --proto_path=$(MESSAGES) \
		--swift_opt=Visibility=Internal --swift_opt=UseAccessLevelOnImports=true --swift_out=$(MESSAGES) $(MESSAGES)/otlp.proto

.PHONY: clean
clean: ## Remove what was built
	rm -rf .build .build-tsan .build-asan Benchmarks/Engine/.build Fuzz/.build $(VENV) $(LINT_VENV)

$(VENV)/.installed: Tests/EndToEnd/requirements.txt
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check --requirement $<
	touch $@

# Hashes are of wheels, and only wheels are taken: nothing is built, nothing is downloaded beside them.
$(LINT_VENV)/.installed: Scripts/lint-requirements.txt
	$(PYTHON) -m venv $(LINT_VENV)
	$(LINT_VENV)/bin/pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: --requirement $<
	touch $@
