-- Partition quotes by month (PostgreSQL), from the first stored quote to a year ahead: see
-- docs/operations.md. Stop all recording, then run
--   psql --set ON_ERROR_STOP=1 --file deploy/partition-quotes.sql "$DATABASE_URL"
-- Run this again each year: later runs only add the months ahead.

CREATE OR REPLACE FUNCTION microseconds(moment timestamptz) RETURNS bigint
    LANGUAGE sql IMMUTABLE AS 'SELECT (extract(epoch FROM moment) * 1000000)::bigint';

CREATE OR REPLACE PROCEDURE add_months(first_at timestamptz, until timestamptz) LANGUAGE plpgsql AS $$
DECLARE
    month timestamp := date_trunc('month', first_at AT TIME ZONE 'UTC');
BEGIN
    WHILE month < until AT TIME ZONE 'UTC' LOOP
        EXECUTE format(
            'CREATE TABLE IF NOT EXISTS %I PARTITION OF quotes_quote FOR VALUES FROM (%s) TO (%s) '
            'WITH (autovacuum_vacuum_insert_scale_factor = 0, '
            'autovacuum_vacuum_insert_threshold = 20000)',
            'quotes_quote_' || to_char(month, 'YYYY_MM'),
            microseconds(month AT TIME ZONE 'UTC'),
            microseconds((month + interval '1 month') AT TIME ZONE 'UTC')
        );
        month := month + interval '1 month';
    END LOOP;
END $$;

DO $$
DECLARE
    first_at timestamptz;
    view_text text := pg_get_viewdef('quote_prices'::regclass);
BEGIN
    SELECT coalesce(timestamptz 'epoch' + min(at) * interval '1 microsecond', now())
        INTO first_at FROM quotes_quote;
    IF (SELECT relkind FROM pg_class WHERE oid = 'quotes_quote'::regclass) = 'r' THEN
        DROP VIEW quote_prices;
        ALTER TABLE quotes_quote RENAME TO quotes_quote_whole;
        CREATE TABLE quotes_quote (LIKE quotes_quote_whole INCLUDING CONSTRAINTS)
            PARTITION BY RANGE (at);
        CALL add_months(first_at, now() + interval '1 year');
        INSERT INTO quotes_quote SELECT * FROM quotes_quote_whole;
        DROP TABLE quotes_quote_whole;
        ALTER TABLE quotes_quote
            ADD PRIMARY KEY (id, at),
            ADD CONSTRAINT quote_instrument_at UNIQUE (instrument_id, at) INCLUDE (seq, ticks),
            ADD FOREIGN KEY (instrument_id) REFERENCES instruments_instrument
                DEFERRABLE INITIALLY DEFERRED;
        EXECUTE 'CREATE VIEW quote_prices AS ' || view_text;
    ELSE
        CALL add_months(now(), now() + interval '1 year');
    END IF;
END $$;
