// What a launch is given, and what a site keeps on the device. `arguments.py` says the same.
#pragma once
#include "row.cuh"

#define NUM_TOP 5

struct Entry { u64 rank; int channel, token_id; u32 pattern, unused; };

struct List { Entry top[NUM_TOP]; int num, unused; };  // the best of one block

struct Site {                              // the first two only rise: an old reading is safe
  u64 floor;                               // rank that the last of some block's best has
  u64 ratio;                               // largest row maximum / median, the bits of a double
  u64 num_massive;                         // rows
  u32 window;                              // |pattern| of the first bin in shared memory
  u32 num_launches;
  u32 num_strays;                          // values outside the window since it moved
  u32 num_done;                            // blocks of this launch
};

struct Arguments {
  const u16* x;
  i64 row_stride, value_stride;            // in values
  u64* counts;                             // by pattern
  Site* site;
  List* lists;                             // one a block
  const i64* token;                        // position of a row; null: the row itself
  const unsigned char* kept;               // by position: real tokens; null: all are
  const i64* columns;                      // sample, position in it, token id; of each position
  const i64* group;                        // of each row, or of each position; null: none
  int* group_max;                          // largest finite |x| of a group, float bits
  i64 num_positions;
  int num_rows, num_groups, group_by_row, unused;
};
