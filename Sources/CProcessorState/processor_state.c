#include "processor_state.h"
