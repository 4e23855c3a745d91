-- Names that are shown, and guests. A version before this one writes neither: what is
-- NULL is an account of its, without.

-- +goose Up
ALTER TABLE users ADD COLUMN display_name varchar(256) NULL;
ALTER TABLE users ADD COLUMN guest smallint NULL;
