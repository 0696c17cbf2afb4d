// Runs once, when the database is made: the account of the node, which may read and write its own database alone.
const pwd = require("fs").readFileSync("/run/secrets/store", "utf8").trim();
db.getSiblingDB("livecontract").createUser({
  user: "livecontract",
  pwd,
  roles: [{ role: "readWrite", db: "livecontract" }],
});
