package main

import (
	"strings"
	"testing"

	"gorm.io/gorm"

	"github.com/parley-im/parley/worker/workertest"
)

// TestNoStatementReadsTheWholeTable asks the database how it finds the rows of each
// statement that a talk makes, so that a desk with a year of messages is as quick as a
// new one.
func TestNoStatementReadsTheWholeTable(t *testing.T) {
	d := newDesk(t)
	h := workertest.New(t, d)
	ann, bob := h.Dial("/"), h.Dial("/")
	enters(t, ann, "1", "2") // the desk has begun
	plans := map[string][]string{}
	look := func(tx *gorm.DB) {
		sql, vars := tx.Statement.SQL.String(), tx.Statement.Vars
		if strings.HasPrefix(sql, "EXPLAIN") {
			return
		}
		var steps []struct{ Detail string }
		if err := d.db.Raw("EXPLAIN QUERY PLAN "+sql, vars...).Scan(&steps).Error; err != nil {
			t.Errorf("%s: %v", sql, err)
		}
		for _, step := range steps {
			plans[sql] = append(plans[sql], step.Detail)
		}
	}
	cb := d.db.Callback()
	for what, err := range map[string]error{
		"row": cb.Row().After("gorm:row").Register("plan of a row", look), "raw": cb.Raw().After("gorm:raw").Register("plan of raw", look),
		"query": cb.Query().After("gorm:query").Register("plan of a query", look),
	} {
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	says(t, ann, "1", "2", "hi")
	enters(t, bob, "2", "1")
	unread(t, bob, "2")
	if len(plans) < 3 {
		t.Errorf("%d statements were seen, want the claim, the mark that comes off, and the count: %v", len(plans), plans)
	}
	for sql, steps := range plans {
		for _, step := range steps {
			if strings.HasPrefix(step, "SCAN") && !strings.Contains(step, "CONSTANT ROW") {
				t.Errorf("%s\nis carried out by %s", sql, step)
			}
		}
	}
}
