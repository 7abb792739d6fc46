"""MLflow's REST wire, as plain data: what may be asked, in which shape, and records to that shape and back.

`calls` is the table of calls, each with the message it asks and the one it is answered (`messages`, made of
`entities`). `coding` reads and writes messages as JSON or queries, `outward` and `inward` turn records into entities
and back, `failures` errors. The server and the store that speaks to one share all of it; nothing here sends anything.
"""
