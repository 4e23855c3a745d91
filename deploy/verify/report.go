package verify

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/parley-im/parley/deploy/verify/chat"
	"github.com/parley-im/parley/deploy/verify/compare"
)

// Report is the outcome of a run; its JSON is for CI.
type Report struct {
	Seed   uint64        `json:"seed"`
	OK     bool          `json:"ok"`
	Cuts   bool          `json:"packetsDropped"` // false: the run could not drop packets
	Took   time.Duration `json:"tookNs"`
	Phases []*Phase      `json:"phases"`
}

// Phase is the outcome of one phase.
type Phase struct {
	Name     string            `json:"name"`
	OK       bool              `json:"ok"`
	Problems []string          `json:"problems,omitempty"`
	Took     time.Duration     `json:"tookNs"`
	Findings *compare.Findings `json:"findings,omitempty"`
	// Excused is what was found on conns whose gateway was killed on purpose.
	Excused *compare.Findings `json:"excused,omitempty"`
	Faults  map[Kind]int      `json:"faults,omitempty"`
	Drain   time.Duration     `json:"longestDrainNs,omitempty"` // of a worker, after SIGTERM
	Counts  Counts            `json:"counts"`
	Chat    *chat.Result      `json:"chat,omitempty"` // of the chat\'s phases
	// Sabotaged says that the phase was to be caught: OK means that it was.
	Sabotaged bool `json:"sabotaged,omitempty"`
	// Skipped says why the phase could not be run here.
	Skipped string `json:"skipped,omitempty"`
}

// Counts are what the gateways say of the phase, together.
type Counts struct {
	Moves        float64 `json:"moves"`
	Redelivered  float64 `json:"redelivered"`
	RefusedTerms float64 `json:"refusedTerms"`
	GivenUp      float64 `json:"givenUp"`     // events, as poison
	AskedToMove  float64 `json:"askedToMove"` // with 1012, by a drain or a shed
}

func (p *Phase) problem(format string, args ...any) {
	p.Problems = append(p.Problems, fmt.Sprintf(format, args...))
}

// judge decides about a phase whose findings must be clean.
func (p *Phase) judge() {
	if f := p.Findings; f != nil && !f.Clean() {
		p.problem("%d lost, %d unanswered, %d doubled, %d swapped, %d strange, %d sockets dropped of %d sent",
			f.Lost, f.Unanswered, f.Doubled, f.Swapped, f.Strange, f.Dropped, f.Sent)
	}
	// What such a conn misses is the end: nothing before something that came.
	if e := p.Excused; e != nil && e.Lost+e.Doubled+e.Swapped+e.Strange > 0 {
		p.problem("on the conns of killed gateways: %d lost, %d doubled, %d swapped, %d strange", e.Lost, e.Doubled, e.Swapped, e.Strange)
	}
	p.OK = len(p.Problems) == 0
}

// Write prints the report for people.
func (r *Report) Write(w io.Writer) {
	row := "%-24s %9s %9s %6s %8s %8s %6s %6s %6s %7s %7s %8s %9s %9s  %s\n"
	fmt.Fprintf(w, "\n"+row, "phase", "sent", "received", "lost", "unansw.", "doubled", "swapp.", "strange", "drop.",
		"moves", "again", "refused", "p99", "pause", "")
	for _, p := range r.Phases {
		if p.Chat != nil {
			continue
		}
		verdict := p.verdict()
		f := p.Findings
		if f == nil {
			f = &compare.Findings{}
		}
		fmt.Fprintf(w, row, p.Name, n(f.Sent), n(f.Received), n(f.Lost), n(f.Unanswered), n(f.Doubled), n(f.Swapped),
			n(f.Strange), n(f.Dropped), n(int(p.Counts.Moves)), n(int(p.Counts.Redelivered)), n(int(p.Counts.RefusedTerms)),
			ms(f.P99), ms(f.Pause), verdict)
	}
	fmt.Fprintf(w, "\nagain: events redelivered; refused: acknowledgements and commands under an old term; pause: the longest wait for a reply\n")
	r.writeChat(w)
	for _, p := range r.Phases {
		p.write(w)
	}
	verdict := "everything held"
	if !r.OK {
		verdict = "FAILED"
	}
	if !r.Cuts {
		verdict += "; no packets were dropped, which needs Linux, root, ip and nft"
	}
	fmt.Fprintf(w, "\nseed %d, %v: %s\n", r.Seed, r.Took.Round(100*time.Millisecond), verdict)
}

func (p *Phase) verdict() string {
	switch {
	case p.Skipped != "":
		return "skipped: " + p.Skipped
	case !p.OK:
		return "FAILED"
	case p.Sabotaged:
		return "caught"
	}
	return "ok"
}

// writeChat prints the phases of the chat.
func (r *Report) writeChat(w io.Writer) {
	row := "%-24s %8s %7s %8s %8s %6s %6s %6s %8s %8s %8s %8s %8s %8s %10s  %s\n"
	head := false
	for _, p := range r.Phases {
		if p.Chat == nil {
			continue
		}
		if !head {
			head = true
			fmt.Fprintf(w, "\n"+row, "phase", "acked", "acks/s", "shown", "unstored", "lost", "doubl.", "swapp.", "resumes", "again", "fetches", "rescued", "duplic.", "p99", "longest", "")
		}
		c, f := p.Chat, &p.Chat.Findings
		fmt.Fprintf(w, row, p.Name, n(f.Acked), fmt.Sprintf("%.0f", c.AckedPerSecond), n(f.Shown), n(f.Unstored), n(f.Lost), n(f.Doubled+f.Twice), n(f.Swapped),
			n(int(c.Resumes)), n(int(c.Redelivered)), n(int(c.HistoryFetches)), n(int(c.Rescued)), n(int(c.Duplicates)), ms(f.P99ToScreen), ms(f.LongestToScreen), p.verdict())
	}
	if head {
		fmt.Fprintf(w, "\nagain: events redelivered; fetches: of history that was missing; rescued: rows of the outbox done by another process; duplic.: repeated sends answered like the first; p99, longest: from an acknowledgement to another's screen, while that device had a session\n")
	}
}

// write prints what does not fit into the table.
func (p *Phase) write(w io.Writer) {
	if len(p.Faults) > 0 {
		var list []string
		for kind, times := range p.Faults {
			list = append(list, fmt.Sprintf("%d × %s", times, kind))
		}
		slices.Sort(list)
		fmt.Fprintf(w, "\n%s: %s\n", p.Name, strings.Join(list, "; "))
	}
	if p.Drain > 0 {
		fmt.Fprintf(w, "%s: the longest drain of a worker took %v\n", p.Name, p.Drain.Round(time.Millisecond))
	}
	for _, problem := range p.Problems {
		fmt.Fprintf(w, "%s: %s\n", p.Name, problem)
	}
	if c := p.Chat; c != nil {
		var list []string
		for what, times := range c.Faults {
			list = append(list, fmt.Sprintf("%d × %s", times, what))
		}
		slices.Sort(list)
		fmt.Fprintf(w, "\n%s: %d users in %d direct conversations, %d group chats and a room; %s\n", p.Name, c.Users, c.Directs, c.Groups, strings.Join(list, "; "))
		if c.Findings.Longest != "" {
			fmt.Fprintf(w, "%s: the longest wait for an acknowledgement took %v; for a screen: number %s\n", p.Name, c.Findings.LongestToAck.Round(time.Millisecond), c.Findings.Longest)
		}
		if b := c.Findings.First; b != nil && !p.Sabotaged {
			fmt.Fprintf(w, "%s: first broken: conversation %s, device %q, number %d: %s\n  %s\n", p.Name, b.Conversation, b.Device, b.Seq, b.What, strings.Join(b.Lines, "\n  "))
		}
	}
	if f := p.Findings; f != nil && f.First != nil && !p.Sabotaged {
		fmt.Fprintf(w, "%s: first broken conn %s, frame %d %s, at %.4fs:\n  %s\n", p.Name,
			f.First.Conn, f.First.N, f.First.What, f.First.At.Seconds(), strings.Join(f.First.Lines, "\n  "))
	}
}

// JSON writes the report for machines.
func (r *Report) JSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

// n writes a number with thousands apart.
func n(v int) string {
	s := fmt.Sprint(v)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func ms(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d)/1e6) }
