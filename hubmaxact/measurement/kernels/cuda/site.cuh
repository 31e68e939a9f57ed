// What a launch is given, and what a site keeps on the device. `arguments.py` says the same.
#pragma once
#include "row.cuh"

#define NUM_TOP 5
#define NUM_KNOWN 256                      // groups that a block knows
#define NUM_POLICIES 2                     // INT-8 thresholds, at most
#define NUM_LARGEST 4                      // storage formats, see `beyond.cuh`

struct Entry { u64 order; u32 bits; int channel, token_id, unused; };

struct List { Entry top[NUM_TOP]; int num, unused; };  // the best of one block

struct Site {                              // the first two only rise: an old reading is safe
  u64 floor;                               // rank that the last of some block's best has
  u64 ratio;                               // largest row maximum / median, the bits of a double
  u64 num_massive;                         // rows
  u32 window;                              // bf16 |pattern| of the first bin in shared memory
  u32 num_launches;
  u32 num_strays;                          // values outside the window since it moved
  u32 num_done;                            // blocks of this launch
  u32 block_window, unused;                // the same of maxima of blocks, `blocks.cuh`
};

struct Numbers {                           // of one block and split, fp16 and fp32; zeros: nothing yet
  u32 high, not_low;                       // the highest key; the complement of the lowest
  u64 largest;                             // magnitude and 1
  u64 num_ties, num_zeros, num_nan, num_inf, num_values;
};

struct Errors {                            // of INT-8 rounding at one threshold
  u64 sums[4 * 256];                       // see `sums.cuh`
  u64 num_clipped;
};

struct Arguments {
  const Stored* x;
  i64 row_stride, value_stride;            // in values
  u64* counts;                             // by bf16 pattern
  Site* site;
  List* lists;                             // one a block
  const i64* token;                        // position of a row; null: the row itself
  const unsigned char* kept;               // by position: real tokens; null: all are
  const i64* columns;                      // sample, position in it, token id; of each position
  const i64* group;                        // of each row, or of each position; null: none
  int* group_max;                          // largest finite |x| of a group, float bits
  i64 num_positions;
  Numbers* numbers;                        // one a block; these four for fp16 and fp32 alone
  u64* sums;                               // see `sums.cuh`
  Errors* errors;                          // one a threshold
  u64* block_counts;                       // by size of block and bf16 pattern; linear inputs alone
  int* channel_max;                        // by channel, float bits, -1.0 for none; the same
  u64* beyond;                             // rows, by storage format; null: not wanted
  double thresholds[NUM_POLICIES];
  int num_rows, num_groups, group_by_row, num_thresholds;
};

struct Block {                             // shared by its warps
  List list;
  u64 known[NUM_KNOWN];                    // of some groups; 0: none
  int gate[2];                             // magnitude that a row must reach; 1 / ratio, float bits
  u32 first_bin, first_block_bin, held, num_strays, last, beyond[NUM_LARGEST];
};
