-- The roles of the database, made once a cluster by its superuser: psql -f deploy/roles.sql
-- Give those that log in their passwords afterwards: \password portal_owner, and so on.
-- One DATABASE_URL a process: the owner's for `migrate`, the runtime role's for everything else.

CREATE ROLE portal_owner LOGIN CREATEDB BYPASSRLS;   -- owns and migrates; without BYPASSRLS data migrations see nothing
CREATE ROLE portal_everyone NOLOGIN BYPASSRLS;       -- staff pages and the night, by SET LOCAL ROLE
CREATE ROLE portal_app LOGIN NOINHERIT;              -- web and worker
CREATE ROLE portal_backup LOGIN BYPASSRLS;           -- reads, for backups: with row-level security it would miss rows
GRANT portal_everyone TO portal_app;                 -- NOINHERIT: only where it says so, for one transaction
GRANT pg_read_all_data TO portal_backup;
CREATE DATABASE portal OWNER portal_owner;           -- or `migrate` is refused by schema public

\connect portal
-- Whatever the owner makes from now on, the runtime roles may use; what they may see is the policies' matter.
ALTER DEFAULT PRIVILEGES FOR ROLE portal_owner
  GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO portal_app, portal_everyone;
ALTER DEFAULT PRIVILEGES FOR ROLE portal_owner
  GRANT USAGE, SELECT ON SEQUENCES TO portal_app, portal_everyone;
