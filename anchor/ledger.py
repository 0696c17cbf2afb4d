"""The chain a node follows, kept in its store: what is stored comes first, what is in memory follows from it.

A block is stored before it becomes the tip. If storing fails, the chain is read again from the store before anything
else is done, so memory never knows more than what a restart would find.

Copies of the service share the rows. Each follows those of the others, and each row is stored under the number after
the last, so that a copy which has not seen the newest one stores nothing. Nobody stores a row before the height it
follows is indexed (`settle`), so only the newest height can lack index entries, whenever a copy ends.
"""

from anchor import chain as chains
from anchor import merkle, snapshot
from anchor.block import Block, Header, Microblock
from anchor.chain import Chain, Check
from anchor.errors import InvalidBlockError, OutpacedError
from anchor.index import BLOCKS, Index
from anchor.parameters import Parameters
from eventchain.core.errors import LiveContractError, UnavailableError
from eventchain.store.document_store import DuplicateError


class Ledger:
    """Follows one branch. Not safe for several threads: the service holds its lock."""

    def __init__(self, index: Index, parameters: Parameters) -> None:
        self._index = index
        self._parameters = parameters
        self._chain: Chain | None = None
        self._number = -1
        self._roots: list[bytes] = []
        self._is_settled = False

    @property
    def chain(self) -> Chain:
        """The chain with its newest block.

        Raises:
            InvalidBlockError: The store holds no chain, or what it holds is damaged.
        """
        if self._chain is None:
            self._load()
        if self._chain is None:
            raise InvalidBlockError("there is no chain yet", check="genesis")
        return self._chain

    @property
    def is_empty(self) -> bool:
        """Whether there is no first block yet."""
        if self._chain is None:
            self._load()
        return self._chain is None

    def begin(self, genesis: Block) -> None:
        """Start the chain with its first block.

        Raises:
            OutpacedError: Another copy started it.
        """
        self._store(chains.start(genesis, self._parameters), None, genesis)

    def append(self, block: Block, *, now: int | None, check: Check = chains.check_transaction) -> None:
        """Add a key block: checked, stored, then followed.

        Raises:
            InvalidBlockError: It does not follow from the newest block.
            InvalidTransactionError: One of its transactions is wrong.
            OutpacedError: Another copy continued the chain; nothing was stored.
        """
        before = self.chain
        self._store(chains.append(before, block, self._parameters, now=now, check=check), None, block)

    def extend(self, microblock: Microblock, *, check: Check = chains.check_transaction) -> None:
        """Add a microblock: checked, stored, then followed.

        Raises:
            InvalidBlockError: It does not continue the newest block.
            InvalidTransactionError: One of its transactions is wrong.
            OutpacedError: Another copy continued the chain; nothing was stored.
        """
        chain = self.chain
        after = chains.extend(chain, microblock, self._parameters, check=check)
        before = Block(header=chain.header, transactions=chain.transactions)
        self._store(after, before, Block(header=after.header, transactions=microblock.transactions))

    def follow(self) -> bool:
        """Take in the rows that other copies stored, and say whether there were any."""
        if self._chain is None:
            self._load()
            return True
        if not self._index.has_row(self._number + 1):
            return False
        self._chain = self._replay_rows(self._chain)
        return True

    def settle(self) -> None:
        """Complete the index of the newest height: who stored it may have ended before that."""
        if not self._is_settled:
            chain = self.chain
            self._index.index(chain.height, chain.transactions, position=0, leaf=0)
            self._is_settled = True

    def _store(self, after: Chain, before: Block | None, block: Block) -> None:
        if self._chain is not None:
            self.settle()
        previous, self._chain = self._chain, None
        try:
            self._index.add_block(self._number + 1, after.height, after.header, before, block)
        except DuplicateError as error:
            if error.collection != BLOCKS.name:
                raise
            self._chain, self._is_settled = previous, False
            raise OutpacedError("another copy of the anchor service continued the chain") from None
        if before is None and previous is not None:
            self._close(previous)
            if not self._roots:
                self._index.put_snapshot(self._number + 1, snapshot.encode(after))
        self._number += 1
        self._chain, self._is_settled = after, True

    def _close(self, chain: Chain) -> None:
        """Note the anchor root of a block that is final now, and the day's root with the last block of a day."""
        self._roots.append(chain.header.anchor_root)
        period = self._parameters.period
        if chain.height % period == 0:
            self._index.add_day(chain.height // period - 1, period, merkle.root(self._roots), self._roots)
            self._roots = []

    def _load(self) -> None:
        """Follow the stored rows again, from the newest snapshot, which is always at the start of a day."""
        self._chain, self._number, self._roots = None, -1, []
        chain: Chain | None = None
        kept = self._index.snapshot()
        if kept is not None:
            try:
                chain = snapshot.decode(kept[1], self._parameters.network)
            except LiveContractError as error:
                raise InvalidBlockError(f"the stored snapshot is damaged: {error}", check="store") from None
            self._number = kept[0] if chain is not None else -1
        self._chain = self._replay_rows(chain)
        if self._chain is not None:
            self.settle()

    def _replay_rows(self, chain: Chain | None) -> Chain | None:
        """Return the chain with the rows after those it has; in memory there is none until that is done."""
        self._chain, self._is_settled = None, False
        try:
            for row in self._index.rows(after=self._number):
                block = Block(header=row.header, transactions=row.transactions)
                chain = self._replay(chain, row.header, row.is_microblock, block)
                self._number = row.number
        except UnavailableError:
            raise
        except LiveContractError as error:
            raise InvalidBlockError(
                f"the stored chain is damaged after row {self._number}: {error}", check="store"
            ) from None
        return chain

    def _replay(self, chain: Chain | None, header: Header, is_microblock: bool, block: Block) -> Chain:
        if chain is None:
            return chains.start(block, self._parameters)
        if is_microblock:
            return chains.resume(chain, header, block.transactions, self._parameters)
        self._close(chain)
        return chains.append(chain, block, self._parameters, check=chains.check_nothing)
