package store

import (
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
func updateEach(tx *gorm.DB, table string, keys int, columns ...column) error {
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
	return tx.Table(table).Clauses(rowsFrom(columns), clause.Where{Exprs: where}).Updates(set).Error
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
		b.WriteString("unnest(")
		for i, c := range r {
			if i > 0 {
				b.WriteByte(',')
			}
			if c.texts != nil {
				bind(stmt, c.texts)
				b.WriteString("::text[]")
			} else {
				bind(stmt, c.numbers)
				b.WriteString("::bigint[]")
			}
		}
		b.WriteString(") AS v(")
		for i, c := range r {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteQuoted(c.name)
		}
		b.WriteByte(')')
		return
	}
	b.WriteString("(SELECT ")
	for i, c := range r {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString("column")
		b.WriteByte(byte('1' + i))
		b.WriteString(" AS ")
		b.WriteQuoted(c.name)
	}
	b.WriteString(" FROM (VALUES ")
	for j := range max(len(r[0].texts), len(r[0].numbers)) {
		if j > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('(')
		for i, c := range r {
			if i > 0 {
				b.WriteByte(',')
			}
			if c.texts != nil {
				b.AddVar(b, c.texts[j])
			} else {
				b.AddVar(b, c.numbers[j])
			}
		}
		b.WriteByte(')')
	}
	b.WriteString(")) AS v")
}
