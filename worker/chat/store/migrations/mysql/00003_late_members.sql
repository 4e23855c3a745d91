-- How late somebody came into a conversation: changes of older messages ask for that.
--
-- InnoDB builds it beside those who write. A process may have died when it was built and
-- that was not yet written down.

-- +goose Up
SET @step = (
    SELECT IF(COUNT(*) > 0, 'DO 0', 'ALTER TABLE members ADD INDEX members_from (conversation_id, from_seq)')
    FROM information_schema.statistics
    WHERE table_schema = DATABASE() AND table_name = 'members' AND index_name = 'members_from'
);
PREPARE step FROM @step;
EXECUTE step;
DEALLOCATE PREPARE step;
