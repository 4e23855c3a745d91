package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/pressly/goose/v3"
	gormmysql "gorm.io/driver/mysql"
	"gorm.io/gorm"
)

// maria is MariaDB or MySQL.
type maria struct {
	config *mysql.Config
	conns  int
}

func newMySQL(u *url.URL, conns int) (dialect, error) {
	c := mysql.NewConfig()
	c.Net, c.Addr, c.DBName = "tcp", u.Host, strings.TrimPrefix(u.Path, "/")
	if u.Port() == "" {
		c.Addr = u.Host + ":3306"
	}
	if c.DBName == "" {
		return nil, errors.New("database: mysql: which database? mysql://user@host/name")
	}
	c.User = u.User.Username()
	c.Passwd, _ = u.User.Password()
	c.InterpolateParams = true // one round trip per statement, not three
	c.ClientFoundRows = false  // RowsAffected are rows that changed: conditional updates count them
	c.ParseTime, c.Loc = true, time.UTC
	c.Timeout, c.ReadTimeout, c.WriteTimeout = timeLimit, 2*timeLimit, 2*timeLimit
	c.Collation = "utf8mb4_bin"
	c.Logger = &mysql.NopLogger{} // it would tell of each lost connection: the error does
	for name, values := range u.Query() {
		switch {
		case name == "tls":
			c.TLSConfig = values[0]
		case c.Params == nil:
			c.Params = map[string]string{name: values[0]}
		default:
			c.Params[name] = values[0]
		}
	}
	if _, err := mysql.NewConnector(c); err != nil {
		return nil, errors.New("database: mysql: " + err.Error())
	}
	return &maria{c, conns}, nil
}

func (*maria) name() string    { return "mysql" }
func (d *maria) where() string { return fmt.Sprintf("mysql://%s/%s", d.config.Addr, d.config.DBName) }

// open asks the server what it is and gives each session its time limits. MySQL has
// none for an idle transaction.
func (d *maria) open(ctx context.Context) (write, read *sql.DB, err error) {
	version, err := d.version(ctx)
	if err != nil {
		return nil, nil, err
	}
	config := d.config.Clone()
	if config.Params == nil {
		config.Params = map[string]string{}
	}
	seconds := strconv.Itoa(int(timeLimit.Seconds()))
	settings := map[string]string{
		"transaction_isolation": "'READ-COMMITTED'", "innodb_lock_wait_timeout": seconds,
		"max_execution_time": strconv.FormatInt(timeLimit.Milliseconds(), 10),
	}
	if strings.Contains(version, "MariaDB") {
		settings = map[string]string{
			"tx_isolation": "'READ-COMMITTED'", "innodb_lock_wait_timeout": seconds,
			"max_statement_time": seconds, "idle_transaction_timeout": seconds,
		}
	}
	for name, value := range settings {
		if _, given := config.Params[name]; !given {
			config.Params[name] = value
		}
	}
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return nil, nil, err
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(d.conns)
	db.SetMaxIdleConns(d.conns)
	db.SetConnMaxLifetime(10 * time.Minute) // servers and what is in between end old ones
	if err := db.PingContext(ctx); err != nil {
		db.Close()
		return nil, nil, err
	}
	return db, db, nil
}

func (d *maria) version(ctx context.Context) (version string, err error) {
	connector, err := mysql.NewConnector(d.config)
	if err != nil {
		return "", err
	}
	db := sql.OpenDB(connector)
	defer db.Close()
	err = db.QueryRowContext(ctx, "SELECT VERSION()").Scan(&version)
	return version, err
}

func (*maria) gorm(db *sql.DB) gorm.Dialector {
	return gormmysql.New(gormmysql.Config{Conn: db, DefaultStringSize: 255})
}

func (*maria) now() string { return "CAST(UNIX_TIMESTAMP(SYSDATE(3)) * 1000 AS SIGNED)" }

func (*maria) locks() bool { return true }

// Errors of the server that say that it cannot be asked now, or ended what was asked.
var mysqlAway = map[uint16]bool{
	1021: true, 1040: true, 1041: true, 1042: true, 1043: true, 1053: true, 1077: true, 1079: true, 1080: true, 1152: true, 1153: true, 1158: true, 1159: true, 1160: true, 1161: true,
	1184: true, 1203: true, 1205: true, 1226: true, 1290: true, 1317: true, 1792: true, 1836: true, 1927: true, 1969: true, 3024: true, 3169: true, 4031: true,
}

func (*maria) class(err error) class {
	if errors.Is(err, mysql.ErrInvalidConn) || errors.Is(err, mysql.ErrPktSync) || errors.Is(err, mysql.ErrMalformPkt) {
		return away
	}
	var e *mysql.MySQLError
	if !errors.As(err, &e) {
		return unknown
	}
	switch {
	case e.Number == 1062:
		return duplicate
	case e.Number == 1213:
		return collision
	case mysqlAway[e.Number]:
		return away
	}
	return unknown
}

func (*maria) migrations() (goose.Dialect, fs.FS, []goose.ProviderOption, error) {
	steps, err := fs.Sub(migrations, "migrations/mysql")
	return goose.DialectMySQL, steps, []goose.ProviderOption{goose.WithSessionLocker(namedLock{})}, err
}

// namedLock keeps two processes from migrating one database at the same time. The
// server gives it back when the connection ends.
type namedLock struct{}

func (namedLock) SessionLock(ctx context.Context, conn *sql.Conn) error {
	var got sql.NullInt64
	err := conn.QueryRowContext(ctx, "SELECT GET_LOCK(CONCAT(DATABASE(), '.parley'), ?)", int(migrateWithin.Seconds())).Scan(&got)
	if err == nil && got.Int64 != 1 {
		err = errors.New("another process migrates this database, and has not come to an end")
	}
	return err
}

func (namedLock) SessionUnlock(ctx context.Context, conn *sql.Conn) error {
	_, err := conn.ExecContext(ctx, "DO RELEASE_LOCK(CONCAT(DATABASE(), '.parley'))")
	return err
}
