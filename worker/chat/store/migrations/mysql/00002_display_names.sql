-- Names that are shown, and guests. A version before this one writes neither: what is
-- NULL is an account of its, without.
--
-- Not every server knows ADD COLUMN IF NOT EXISTS, and a process may have died when it had
-- added them and not yet written that down.

-- +goose Up
SET @step = (
    SELECT IF(COUNT(*) > 0, 'DO 0', 'ALTER TABLE users ADD COLUMN display_name varchar(256) NULL, ADD COLUMN guest smallint NULL')
    FROM information_schema.columns
    WHERE table_schema = DATABASE() AND table_name = 'users' AND column_name = 'guest'
);
PREPARE step FROM @step;
EXECUTE step;
DEALLOCATE PREPARE step;
