/**
 * Where the module's own tables lie in its memory. Addresses and sizes in bytes.
 */

/** The Huffman table: 2048 entries of 2 bytes. */
export const HUFFMAN: usize = 0;
/** FSE tables of a block's sequences, at most 512, 512 and 256 entries of 8 bytes. */
export const LITERAL_LENGTHS: usize = 4096;
export const MATCH_LENGTHS: usize = 8192;
export const OFFSETS: usize = 12288;
/** Those of blocks that bring none (RFC 8878, section 3.1.1.3.2.2): 64, 64 and 32 entries. */
export const DEFAULT_LITERAL_LENGTHS: usize = 14336;
export const DEFAULT_MATCH_LENGTHS: usize = 14848;
export const DEFAULT_OFFSETS: usize = 15360;
/** The FSE table of Huffman weights, at most 64 entries; the weights. */
export const WEIGHT_TABLE: usize = 15616;
export const WEIGHTS: usize = 16128;
/** For each weight the next entry of the Huffman table, 4 bytes. */
export const RANKS: usize = 16384;
/** Entries of the codes of literal lengths, then of match lengths: 89 of 8 bytes, without states. */
export const CODES: usize = 16448;
/** While a table is built: how often each symbol is in it (2 bytes), which cell it is in next, and the symbol of each cell. */
export const NORMS: usize = 17408;
export const NEXT: usize = 17920;
export const SPREAD: usize = 18432;
/** For each count of bits so many ones, 4 bytes. */
export const MASKS: usize = 18944;
/** For distances below 16: which bytes repeat (16 each), and how many of 16 are whole repetitions. */
export const PATTERNS: usize = 19072;
export const STEPS: usize = 19328;
/** The literals of a block, and room behind them. */
export const LITERALS: usize = 20480;
/**
 * Where the caller's bytes begin. So far that what is read backward can go by all the bits of a block's literals below them.
 */
export const DATA: usize = 163840;
