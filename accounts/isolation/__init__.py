"""The second wall: on PostgreSQL the database itself shows a request only the organizations of its person.

Independent of the door (accounts.access) on purpose: with the door broken, this still holds. SQLite has no
row-level security; there everything here but the links does nothing.
"""

from accounts.isolation.scopes import EVERYONE, NOBODY, acting_for, settle, tell
from accounts.isolation.wall import Wall, let_in

__all__ = ["EVERYONE", "NOBODY", "Wall", "acting_for", "let_in", "settle", "tell"]
