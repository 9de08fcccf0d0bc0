// The kernels for one instruction set; the compiler flags are in src/CMakeLists.txt.
#define MENTOR_ISA avx512
#define MENTOR_ISA_NAME "avx512"
#include "attention_kernels.inc.h"
#include "cpu_kernels.inc.h"
#include "train_kernels.inc.h"
