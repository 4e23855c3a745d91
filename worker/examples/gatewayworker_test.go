package examples

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// fromGatewayWorker is the page that says where everything of GatewayWorker is. That the
// names in its columns "here" exist is a check of .ci/checks/docs.
const fromGatewayWorker = "testdata/from-gatewayworker.md"

// TestEveryCallOfGatewayWorker does with our calls what their manual promises of theirs,
// and compares the page with what was called.
func TestEveryCallOfGatewayWorker(t *testing.T) {
	if len(calls) != 42 {
		t.Errorf("%d calls are tried: Lib\\Gateway has 42 public static methods", len(calls))
	}
	rows := rowsOf(t, "Calls")
	statics := rowsOf(t, "Statics, and the ways to push from outside")
	tried := map[string]bool{}
	for _, all := range []map[string]call{calls, batches, asked} {
		for name, c := range all {
			tried[name] = true
			if row, ok := rows[name]; !ok {
				t.Errorf("%s has no row", name)
			} else {
				for _, ours := range c.ours {
					if !strings.Contains(row, "`"+ours+"`") {
						t.Errorf("the row of %s does not name %s, by which it is tried", name, ours)
					}
				}
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				c.holds(newWorld(t))
			})
		}
	}
	for name := range rows {
		if _, ok := statics[name]; !ok && !tried[name] {
			t.Errorf("the row of %s is not tried", name)
		}
	}
}

// TestEverythingOfGatewayWorkerHasARow looks for the names that users of GatewayWorker
// know, section by section.
func TestEverythingOfGatewayWorkerHasARow(t *testing.T) {
	for section, names := range map[string]string{
		"Statics, and the ways to push from outside": "registerAddress, secretKey, connectTimeout, persistentConnection, addressesCacheDisable",
		"Callbacks": "onWorkerStart, onConnect, onWebSocketConnect, onMessage, onClose, onWorkerStop, onWorkerReload, " +
			"onBusinessWorkerConnected, onBusinessWorkerClose, gateway onWorkerStart, gateway onWorkerStop, " +
			"gateway onConnect, gateway onClose, gateway onWebSocketConnect",
		"What an event knows": "REMOTE_ADDR, REMOTE_PORT, GATEWAY_ADDR, GATEWAY_PORT, GATEWAY_CLIENT_ID, $_SESSION, data.get, data.cookie, " +
			"QUERY_STRING, REQUEST_METHOD, REQUEST_URI, SERVER_PROTOCOL, SERVER_NAME, CONTENT_TYPE, SERVER_PORT, HTTP_X",
		"Gateway": "constructor, transport, name, count, user, group, reusePort, lanIp, innerTcpWorkerListen, startPort, lanPort, " +
			"registerAddress, pingInterval, pingNotResponseLimit, pingData, secretKey, router, selectLoadBalancingMode, " +
			"sendToWorkerBufferSize, sendToClientBufferSize, protocolAccelerate, onBusinessWorkerConnected, " +
			"onBusinessWorkerClose, reloadable",
		"BusinessWorker and Register": "name, count, registerAddress, eventHandler, secretKey, sendToGatewayBufferSize, gatewayConnections, " +
			"getAllGatewayAddresses, Register constructor, Register secretKey",
		"Of Workerman": "id, connections, protocol, daemonize, stdoutFile, pidFile, statusFile, logFile, logFileMaxSize, eventLoopClass, " +
			"stopTimeout, onMasterReload, onMasterStop, onWorkerExit, onBufferFull, onBufferDrain, onError, " +
			"maxSendBufferSize, maxPackageSize, pauseRecv, resumeRecv, bytesRead, bytesWritten, websocketType",
		"Commands": "start, start -d, stop, stop -g, restart, reload, reload -g, status, connections",
	} {
		rows := rowsOf(t, section)
		for name := range strings.SplitSeq(names, ", ") {
			if _, ok := rows[name]; !ok {
				t.Errorf("%q: no row of %s", section, name)
			}
		}
	}
	outside := rowsOf(t, "GatewayClient, from any language")
	for _, all := range []map[string]call{calls, batches} {
		for name := range all {
			if _, ok := outside[name]; !ok && !slices.Contains([]string{"sendToCurrentClient", "closeCurrentClient", "setBusinessWorker"}, name) {
				t.Errorf("%s has no row for other languages", name)
			}
		}
	}
	for section, n := range map[string]int{"Behaviour": 24, "Its defects, and the test that keeps us from each": 8, "What its users suffer from": 30} {
		if rows := rowsOf(t, section); len(rows) < n {
			t.Errorf("%q: %d rows, want %d", section, len(rows), n)
		}
	}
	pains := map[string]bool{}
	for what := range rowsOf(t, "What its users suffer from") {
		number, _, _ := strings.Cut(what, " ")
		pains[number] = true
	}
	for number := 1; number <= 30; number++ {
		if !pains[strconv.Itoa(number)] {
			t.Errorf("pain %d has no row", number)
		}
	}
}

var (
	heading = regexp.MustCompile(`(?m)^(##+) (.*)$`)
	span    = regexp.MustCompile("`([^`]+)`")
)

// rowsOf returns the cell "here" of all rows below a heading, and below those under it, by
// the names in their first cell: those in code, or all of it when there is none. A name may
// have one row only.
func rowsOf(t *testing.T, under string) map[string]string {
	t.Helper()
	page := string(read(t, fromGatewayWorker))
	rows, level := map[string]string{}, 0
	for line := range strings.Lines(page) {
		if m := heading.FindStringSubmatch(strings.TrimSpace(line)); m != nil {
			switch depth := len(m[1]); {
			case m[2] == under:
				level = depth
			case depth <= level:
				level = 0
			}
			continue
		}
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if level == 0 || !strings.HasPrefix(line, "|") || len(cells) != 3 || strings.Contains(line, "|---") {
			continue
		}
		first := strings.TrimSpace(cells[0])
		names := []string{first}
		if of, _, code := strings.Cut(first, "`"); code { // of: what it belongs to, if it has to be said
			names = nil
			for _, m := range span.FindAllStringSubmatch(first, -1) {
				names = append(names, of+m[1])
			}
		}
		for _, name := range names {
			if _, twice := rows[name]; twice && name != "GatewayWorker" {
				t.Errorf("%q: %s has two rows", under, name)
			}
			rows[name] = cells[1]
		}
	}
	delete(rows, "GatewayWorker") // the heading
	if len(rows) == 0 {
		t.Fatalf("nothing stands under %q", under)
	}
	return rows
}
