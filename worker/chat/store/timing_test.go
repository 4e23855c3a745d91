package store

import (
	"fmt"
	"sort"
	"strings"
	"time"

	"gorm.io/gorm"
)

type timed struct {
	n int
	d time.Duration
}

func (s *Store) TimeStatements() func() {
	all := map[string]*timed{}
	var start time.Time
	before := func(*gorm.DB) { start = time.Now() }
	after := func(db *gorm.DB) {
		q := db.Statement.SQL.String()
		k := strings.Join(strings.Fields(q)[:min(3, len(strings.Fields(q)))], " ") + fmt.Sprint(db.Statement.Table)
		if all[k] == nil {
			all[k] = &timed{}
		}
		all[k].n++
		all[k].d += time.Since(start)
	}
	c := s.w.Callback()
	c.Create().Before("*").Register("t0", before)
	c.Create().After("*").Register("t1", after)
	c.Query().Before("*").Register("t0", before)
	c.Query().After("*").Register("t1", after)
	c.Update().Before("*").Register("t0", before)
	c.Update().After("*").Register("t1", after)
	return func() {
		var ks []string
		for k := range all {
			ks = append(ks, k)
		}
		sort.Strings(ks)
		for _, k := range ks {
			fmt.Printf("%8d %8.0fus %s\n", all[k].n, float64(all[k].d.Microseconds())/float64(all[k].n), k)
		}
	}
}
