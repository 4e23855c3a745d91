package store

import (
	"strconv"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// column is a column of rows that are updated together, each to values of its own: of
// texts or of numbers.
type column struct {
	name    string
	texts   []string
	numbers []int64
}

// updateEach sets the columns of many rows by one statement. The first columns, as many
// as keys says, are the key that finds a row. It is UPDATE … FROM, which gorm builds
// but for the rows that stand behind FROM.
func updateEach(tx *gorm.DB, table string, keys int, columns ...column) *gorm.DB {
	set := make(map[string]any, len(columns)-keys)
	where := make([]clause.Expression, 0, keys)
	for i, c := range columns {
		v := clause.Column{Table: "v", Name: c.name}
		if i < keys {
			where = append(where, clause.Eq{Column: clause.Column{Table: table, Name: c.name}, Value: v})
			continue
		}
		set[c.name] = v
	}
	return tx.Table(table).Clauses(rowsFrom(columns), clause.Where{Exprs: where}).Updates(set)
}

// rowsFrom is a FROM clause of rows that are parameters, by the name of v.
type rowsFrom []column

// Name implements clause.Interface.
func (rowsFrom) Name() string { return "FROM" }

// MergeClause implements clause.Interface.
func (r rowsFrom) MergeClause(c *clause.Clause) { c.Expression = r }

// Build implements clause.Expression. PostgreSQL gets arrays, for the reason given in
// batch_postgres.go; SQLite gets the rows.
func (r rowsFrom) Build(b clause.Builder) {
	stmt, ok := b.(*gorm.Statement)
	if ok && stmt.Name() == "postgres" {
		put(b, "unnest(")
		for i, c := range r {
			if i > 0 {
				put(b, ",")
			}
			if c.texts != nil {
				bind(stmt, c.texts)
				put(b, "::text[]")
			} else {
				bind(stmt, c.numbers)
				put(b, "::bigint[]")
			}
		}
		put(b, ") AS v(")
		for i, c := range r {
			if i > 0 {
				put(b, ",")
			}
			b.WriteQuoted(c.name)
		}
		put(b, ")")
		return
	}
	put(b, "(SELECT ")
	for i, c := range r {
		if i > 0 {
			put(b, ",")
		}
		put(b, "column"+strconv.Itoa(i+1)+" AS ")
		b.WriteQuoted(c.name)
	}
	put(b, " FROM (VALUES ")
	for j := range max(len(r[0].texts), len(r[0].numbers)) {
		if j > 0 {
			put(b, ",")
		}
		put(b, "(")
		for i, c := range r {
			if i > 0 {
				put(b, ",")
			}
			if c.texts != nil {
				b.AddVar(b, c.texts[j])
			} else {
				b.AddVar(b, c.numbers[j])
			}
		}
		put(b, ")")
	}
	put(b, ")) AS v")
}

// put writes text. A statement under construction takes all of it.
func put(b clause.Builder, text string) { _, _ = b.WriteString(text) }
